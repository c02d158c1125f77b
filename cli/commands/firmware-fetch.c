/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "cli/commands/firmware.h"
#include "cli/common/depot.h"
#include "cli/common/output.h"
#include "cli/common/worker.h"
#include "core/base/error.h"
#include "core/base/parse.h"
#include "core/failure/failure.h"
#include "core/model/event.h"
#include "firmware/ipsw/inspect.h"

/* Downloads: for a person or script, and the child that does the work. */

/* ---- the child -------------------------------------------------------------------------------- */

static RescueRelease *
parse_release(const char *text, GError **error)
{
	g_autoptr(RescueJson) json = text != NULL ? rescue_json_parse(text, strlen(text), NULL)
						  : NULL;
	RescueRelease *release = json != NULL ? rescue_release_from_json(json) : NULL;

	if (release == NULL)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "firmware fetch: this is no release");
	return release;
}

static RescueStored *
work(const RescueCli *cli, const RescueFirmwareOptions *options, int64_t *said_us, GError **error)
{
	g_autoptr(RescueRelease) release = parse_release(options->release, error);
	g_autoptr(RescueDepot) depot = NULL;
	RescueAcquireSpec spec = { .mirror = cli->mirror,
				   .rate_limit = (double)rescue_cli_size(cli->limit_rate),
				   .size_limit = rescue_cli_size(cli->cache_limit),
				   .distrust = options->distrust,
				   .listener = rescue_firmware_say_news,
				   .data = said_us };

	if (release == NULL || !rescue_worker_confine_online(true, error))
		return NULL;
	if (options->patience != NULL &&
	    !rescue_parse_duration(options->patience, &spec.patience_ms, error))
		return NULL;
	depot = rescue_cli_open_depot(cli, error);
	if (depot == NULL)
		return NULL;
	spec.depot = depot;
	spec.release = release;
	return rescue_acquire(&spec, error);
}

int
rescue_firmware_fetch_worker(const RescueCli *cli, const RescueFirmwareOptions *options)
{
	int64_t said_us = 0;
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueStored) stored = work(cli, options, &said_us, &error);

	rescue_firmware_say(stored != NULL ? rescue_fetch_done_to_json(stored)
					   : rescue_fetch_error_to_json(error));
	return stored != NULL
		   ? RESCUE_EXIT_FINE
		   : rescue_failure_exit_status((RescueFailure)rescue_error_failure(error));
}

/* ---- which one -------------------------------------------------------------------------------- */

static RescueRelease *
choose(const RescueCli *cli, const RescueFirmwareOptions *options, GError **error)
{
	const RescueWish wish = { .latest = options->latest,
				  .beta = options->beta,
				  .version = options->version,
				  .build = options->build };

	return rescue_cli_choose_release(cli, options->arguments[0], &wish, options->refresh,
					 error);
}

/* the maker's names tell what the file is: iPhone10,3_16.7.10_20H350_Restore.ipsw */
static RescueRelease *
guess_release(const char *url)
{
	g_autofree char *name = g_path_get_basename(url);
	g_auto(GStrv) words = g_strsplit(name, "_", 4);
	g_autofree char *build = NULL;
	g_auto(GStrv) products = NULL;

	if (g_strv_length(words) == 4) {
		products = g_strsplit(words[0], ",iP", 2);
		if (rescue_product_is_valid(products[0]) && g_ascii_isdigit(words[1][0]) &&
		    rescue_build_is_valid(words[2]))
			return rescue_release_new(products[0], words[1], words[2]);
	}
	build = g_strdup_printf("0A%u", g_str_hash(url) % 1000000);
	return rescue_release_new("unknown", "0", build);
}

static RescueRelease *
release_of_url(const RescueFirmwareOptions *options, GError **error)
{
	g_autoptr(RescueRelease) release = guess_release(options->url);

	if (!rescue_release_add_url(release, options->url)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "--url: ‘%s’ is not an http or https address", options->url);
		return NULL;
	}
	if (options->sha256 != NULL &&
	    !rescue_release_set_hash(&release->sha256, options->sha256, 64)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "--sha256: ‘%s’ is not 64 hexadecimal digits", options->sha256);
		return NULL;
	}
	return g_steal_pointer(&release);
}

/* ---- the parent ------------------------------------------------------------------------------- */

static char *
download(const RescueCli *cli, const RescueRelease *release, int64_t patience_ms, GError **error)
{
	g_auto(RescueFirmwareTeller) teller = { .cli = cli, .phase = RESCUE_PHASE_DOWNLOAD };
	g_autoptr(RescueInbox) inbox = rescue_inbox_new();
	g_autoptr(RescueFetch) fetch = rescue_cli_new_fetch(cli, inbox, patience_ms);

	rescue_inbox_watch_signals(inbox);
	rescue_firmware_teller_start(&teller, rescue_event_firmware(release));
	if (!rescue_fetch_port.start(fetch, release, false, error))
		return NULL;
	return rescue_firmware_follow(&teller, inbox, rescue_fetch_port.end, fetch, error);
}

/* what came from a bare address gets its true names: those of the manifest in it */
static bool
name_content(const RescueCli *cli, const RescueRelease *guess, const char *path, GError **error)
{
	g_autoptr(RescueInspect) inspect = rescue_inspect_new(cli->program, false);
	g_autoptr(RescueFirmware) firmware = rescue_inspect_port.inspect(inspect, path, error);
	g_autoptr(RescueDepot) depot = firmware != NULL ? rescue_cli_open_depot(cli, error) : NULL;
	g_autofree char *name = g_path_get_basename(path);
	g_autofree char *sha256 = g_strndup(name, strcspn(name, "."));

	if (depot == NULL)
		return false;
	rescue_depot_forget(depot, guess);
	for (char **product = firmware->products; *product != NULL; product++) {
		g_autoptr(RescueRelease)
		    release = rescue_release_new(*product, firmware->version, firmware->build);
		for (char **url = guess->urls; *url != NULL; url++)
			(void)rescue_release_add_url(release, *url);
		if (rescue_product_is_valid(release->product) &&
		    rescue_build_is_valid(release->build) &&
		    !rescue_depot_record(depot, release, sha256, false, error))
			return false;
	}
	return true;
}

static int
finish(const RescueCli *cli, const RescueRelease *release, const char *path)
{
	g_autoptr(RescueJson) json = NULL;
	g_autofree char *line = g_strconcat(path, "\n", NULL);

	if (!cli->json)
		return rescue_print(line) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
	json = rescue_release_to_json(release);
	rescue_json_set_string(json, "event", "done");
	rescue_json_set_string(json, "path", path);
	return rescue_print_json(json) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
}

static const char *
find_fault(const RescueFirmwareOptions *options)
{
	int wishes = options->latest + (options->version != NULL) + (options->build != NULL);

	if (options->url != NULL)
		return options->arguments[0] != NULL || wishes > 0
			   ? "firmware fetch: --url says everything by itself"
			   : NULL;
	if (options->sha256 != NULL)
		return "firmware fetch: --sha256 goes with --url";
	if (options->arguments[0] == NULL || options->arguments[1] != NULL)
		return "firmware fetch: name one PRODUCT, such as iPhone10,3, or a --url";
	if (!rescue_product_is_valid(options->arguments[0]))
		return "firmware fetch: PRODUCT is a word such as iPhone10,3";
	return wishes == 1 ? NULL : "firmware fetch: say one of --latest, --version and --build";
}

int
rescue_firmware_fetch(const RescueCli *cli, const RescueFirmwareOptions *options)
{
	const char *fault = find_fault(options);
	g_autoptr(RescueRelease) release = NULL;
	g_autofree char *path = NULL;
	GError *error = NULL;
	int64_t patience_ms = 0;

	if (fault != NULL)
		return rescue_fail_usage(cli, "%s", fault);
	if (options->patience != NULL &&
	    !rescue_parse_duration(options->patience, &patience_ms, &error)) {
		g_prefix_error(&error, "--patience: ");
		return rescue_fail(cli, error);
	}
	release = options->url != NULL ? release_of_url(options, &error)
				       : choose(cli, options, &error);
	if (release != NULL)
		path = download(cli, release, patience_ms, &error);
	if (path == NULL || (options->url != NULL && !name_content(cli, release, path, &error)))
		return rescue_fail(cli, error);
	return finish(cli, release, path);
}
