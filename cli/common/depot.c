/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/depot.h"

#include "core/base/parse.h"

RescueCatalogue *
rescue_cli_new_catalogue(const RescueCli *cli, bool refresh)
{
	const RescueCatalogueSpec spec = { .cache_dir = cli->cache_dir,
					   .base_url = cli->catalog_url,
					   .refresh = refresh };

	return rescue_catalogue_new(cli->program, &spec);
}

RescueFetch *
rescue_cli_new_fetch(const RescueCli *cli, RescueInbox *inbox, int64_t patience_ms)
{
	const RescueFetchSpec spec = { .program = cli->program,
				       .cache_dir = cli->cache_dir,
				       .mirror = cli->mirror,
				       .limit_rate = cli->limit_rate,
				       .cache_limit = cli->cache_limit,
				       .patience_ms = patience_ms,
				       .inbox = inbox };

	return rescue_fetch_new(&spec);
}

RescuePrepare *
rescue_cli_new_prepare(const RescueCli *cli, RescueInbox *inbox)
{
	const RescuePrepareSpec spec = { .program = cli->program,
					 .cache_dir = cli->cache_dir,
					 .cache_limit = cli->cache_limit,
					 .inbox = inbox };

	return rescue_prepare_new(&spec);
}

RescueDepot *
rescue_cli_open_depot(const RescueCli *cli, GError **error)
{
	g_autofree char *dir = rescue_fetch_depot_dir(cli->cache_dir);

	return rescue_depot_open(dir, error);
}

uint64_t
rescue_cli_size(const char *text)
{
	uint64_t bytes = 0;

	return text != NULL && rescue_parse_size(text, &bytes, NULL) ? bytes : 0;
}
