/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/depot.h"

#include "core/base/error.h"
#include "core/base/parse.h"
#include "core/failure/failure.h"

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

RescueRelease *
rescue_cli_choose_release(const RescueCli *cli, const char *product, const RescueWish *wish,
			  bool refresh, GError **error)
{
	g_autoptr(RescueCatalogue) catalogue = rescue_cli_new_catalogue(cli, refresh);
	g_autoptr(RescueCatalogueAnswer)
	    answer = rescue_catalogue_consult(catalogue, product, error);
	const RescueRelease *release;

	if (answer == NULL)
		return NULL;
	release = rescue_release_choose(answer->releases, wish);
	if (release == NULL) {
		g_autofree char *why = rescue_release_explain_none(answer->releases,
								   answer->product, wish);
		g_set_error_literal(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_NOT_LISTED, why);
		return NULL;
	}
	return rescue_release_copy(release);
}

char *
rescue_cli_locate_release(const RescueCli *cli, const RescueRelease *release, GError **error)
{
	g_autoptr(RescueDepot) depot = rescue_cli_open_depot(cli, NULL);
	g_autoptr(RescueStored) stored = depot != NULL ? rescue_depot_find(depot, release) : NULL;

	if (stored != NULL)
		return g_strdup(stored->path);
	if (release->urls[0] != NULL)
		return g_strdup(release->urls[0]);
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_NOT_LISTED,
		    "the catalogues know %s (%s), but not where it is; name a file with --ipsw",
		    release->version, release->build);
	return NULL;
}

uint64_t
rescue_cli_size(const char *text)
{
	uint64_t bytes = 0;

	return text != NULL && rescue_parse_size(text, &bytes, NULL) ? bytes : 0;
}
