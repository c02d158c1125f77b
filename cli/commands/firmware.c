/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/commands/commands.h"

#include <string.h>

#include "cli/commands/firmware.h"
#include "cli/common/output.h"
#include "cli/common/worker.h"
#include "core/base/error.h"
#include "core/base/parse.h"
#include "firmware/fetch/remote.h"
#include "firmware/ipsw/firmware-json.h"
#include "firmware/ipsw/inspect.h"
#include "firmware/ipsw/ipsw.h"

#define REMOTE_MS 15000u /* one request for a part of a file elsewhere */

static const char *const titles[] = { "CHIP", "BOARD", "DEVICE", "DOES", "VARIANT", NULL };

/* one of two minds serves only for engines that go by its variant */
static const char *
tell_behavior(const RescueIdentity *identity)
{
	RescueBehavior old = rescue_identity_does(identity, RESCUE_PICKS_BY_BEHAVIOR);
	RescueBehavior now = rescue_identity_does(identity, RESCUE_PICKS_BY_VARIANT);

	if (old != RESCUE_BEHAVIOR_UNSAID)
		return rescue_behavior_name(old);
	return now == RESCUE_BEHAVIOR_UPDATE  ? "update (newer engines)"
	       : now == RESCUE_BEHAVIOR_ERASE ? "erase (newer engines)"
					      : NULL;
}

static char *
format_identities(const RescueFirmware *firmware)
{
	g_autoptr(RescueTable) table = rescue_table_new(titles);
	unsigned i;

	for (i = 0; i < firmware->identities->len; i++) {
		const RescueIdentity *identity = firmware->identities->pdata[i];
		g_autofree char *chip = g_strdup_printf("0x%04x", identity->chip_id);
		g_autofree char *board = g_strdup_printf("0x%02x", identity->board_id);
		const char *const cells[] = {
			chip, board, identity->board, tell_behavior(identity), identity->variant,
		};
		rescue_table_add(table, cells);
	}
	return rescue_table_format(table);
}

static int
print_firmware(const RescueCli *cli, const RescueFirmware *firmware)
{
	g_autofree char *products = NULL, *size = NULL, *image = NULL, *table = NULL, *text = NULL;

	if (cli->json) {
		g_autoptr(RescueJson) json = rescue_firmware_to_json(firmware);
		return rescue_print_json(json) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
	}
	products = g_strjoinv(", ", firmware->products);
	size = rescue_format_size(firmware->size_bytes);
	image = rescue_format_size(firmware->os_image_bytes);
	table = format_identities(firmware);
	text = g_strdup_printf("%s (%s) for %s\n%s, system image %s, %s in the archive\n\n%s",
			       firmware->version, firmware->build, products, size, image,
			       firmware->os_image_stored ? "stored" : "compressed", table);
	return rescue_print(text) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
}

/* a person's call reads the file in a child, as the run does; the child is this same command with --worker */
static RescueFirmware *
read_in_child(const RescueCli *cli, const char *path, bool thorough, GError **error)
{
	g_autoptr(RescueInspect) inspect = rescue_inspect_new(cli->program, thorough);

	return rescue_inspect_port.inspect(inspect, path, error);
}

static RescueFirmware *
read_here(const char *path, bool thorough, GError **error)
{
	return rescue_worker_confine(error) ? rescue_ipsw_read(path, thorough, error) : NULL;
}

/* a few parts of a file that is elsewhere: its directory and its manifest */
static RescueFirmware *
read_there(const char *url, GError **error)
{
	g_autoptr(RescueRemote) remote = NULL;
	RescueZipSource source = { .read = rescue_remote_read };

	if (!rescue_worker_confine_online(false, error))
		return NULL;
	remote = rescue_remote_open(url, REMOTE_MS, error);
	if (remote == NULL)
		return NULL;
	source.self = remote;
	source.size = rescue_remote_size(remote);
	return rescue_ipsw_read_source(url, &source, error);
}

static RescueFirmware *
work(const char *file, bool thorough, GError **error)
{
	return rescue_remote_is_address(file) ? read_there(file, error)
					      : read_here(file, thorough, error);
}

static int
show(const RescueCli *cli, const RescueFirmwareOptions *options)
{
	g_autoptr(RescueFirmware) firmware = NULL;
	g_autofree char *path = NULL;
	GError *error = NULL;

	if (g_strv_length(options->arguments) != 1)
		return rescue_fail_usage(cli, "firmware show: name one FILE or URL");
	path = rescue_remote_is_address(options->arguments[0])
		   ? g_strdup(options->arguments[0])
		   : g_canonicalize_filename(options->arguments[0], NULL);
	firmware = options->worker ? work(path, options->check, &error)
				   : read_in_child(cli, path, options->check, &error);
	if (firmware == NULL)
		return rescue_fail(cli, error);
	return print_firmware(cli, firmware);
}

static const struct {
	const char *name;
	int (*run)(const RescueCli *cli, const RescueFirmwareOptions *options);
	int (*work)(const RescueCli *cli, const RescueFirmwareOptions *options); /* with --worker */
} actions[] = {
	{ "list", rescue_firmware_list, rescue_firmware_list_worker },
	{ "fetch", rescue_firmware_fetch, rescue_firmware_fetch_worker },
	{ "prepare", rescue_firmware_prepare, rescue_firmware_prepare_worker },
	{ "verify", rescue_firmware_verify, NULL },
	{ "show", show, show },
	{ "prune", rescue_firmware_prune, NULL },
};

static int
run_action(const RescueCli *cli, const char *name, const RescueFirmwareOptions *options)
{
	for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
		if (g_strcmp0(actions[i].name, name) != 0)
			continue;
		if (!options->worker)
			return actions[i].run(cli, options);
		if (actions[i].work != NULL)
			return actions[i].work(cli, options);
	}
	return rescue_fail_usage(
	    cli, "firmware: say what to do: list, fetch, prepare, verify, show or prune");
}

void
rescue_firmware_options_clear(RescueFirmwareOptions *options)
{
	g_free(options->version);
	g_free(options->build);
	g_free(options->url);
	g_free(options->sha256);
	g_free(options->release);
	g_free(options->patience);
	g_free(options->older);
	g_free(options->image);
	g_free(options->file);
	*options = (RescueFirmwareOptions){ 0 };
}

static int
run(RescueCli *cli)
{
	g_auto(RescueFirmwareOptions) options = { 0 };
	const GOptionEntry entries[] = {
		{ "latest", 0, 0, G_OPTION_ARG_NONE, &options.latest,
		  "fetch: the newest signed one", NULL },
		{ "version", 0, 0, G_OPTION_ARG_STRING, &options.version, "fetch: this version",
		  "V" },
		{ "build", 0, 0, G_OPTION_ARG_STRING, &options.build, "fetch: this build", "B" },
		{ "url", 0, 0, G_OPTION_ARG_STRING, &options.url, "fetch: from this address",
		  "URL" },
		{ "sha256", 0, 0, G_OPTION_ARG_STRING, &options.sha256,
		  "fetch --url: what must come from there", "HEX" },
		{ "beta", 0, 0, G_OPTION_ARG_NONE, &options.beta, "list, fetch: betas too", NULL },
		{ "refresh", 0, 0, G_OPTION_ARG_NONE, &options.refresh,
		  "list, fetch: ask the catalogues although their answers are young", NULL },
		{ "older", 0, 0, G_OPTION_ARG_STRING, &options.older,
		  "prune: parts of downloads nobody has touched for so long (7d)", "D" },
		{ "check", 0, 0, G_OPTION_ARG_NONE, &options.check,
		  "show: also read every component and compare its checksum", NULL },
		{ "worker", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &options.worker, "", NULL },
		{ "prove", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &options.prove, "", NULL },
		{ "image", 0, 0, G_OPTION_ARG_STRING, &options.image,
		  "prepare: only this system image of the archive", "NAME" },
		{ "file", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &options.file, "", NULL },
		{ "release", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_STRING, &options.release, "",
		  NULL },
		{ "patience", 0, 0, G_OPTION_ARG_STRING, &options.patience,
		  "fetch: give up after so long without a byte (2m)", "D" },
		{ "distrust", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &options.distrust, "",
		  NULL },
		{ 0 }
	};
	g_auto(GStrv) arguments = NULL;
	int status;

	if (!rescue_cli_parse(cli, &rescue_command_firmware, entries, &arguments, &status))
		return status;
	options.arguments = arguments[0] != NULL ? arguments + 1 : arguments;
	return run_action(cli, arguments[0], &options);
}

const RescueCommand rescue_command_firmware = {
	.name = "firmware",
	.arguments = "list [PRODUCT] | fetch PRODUCT --latest|--version V|--build B | fetch --url "
		     "URL | prepare FILE | verify [NAME…] | "
		     "show FILE|URL | prune",
	.summary = "what firmware there is, here and elsewhere, and whether it is whole",
	.details =
	    "list without PRODUCT tells what is kept here; NAME is PRODUCT_BUILD as list tells it. "
	    "prepare unpacks the system images of a file once for all jobs, as a job does by "
	    "itself. "
	    "prune removes damaged files, and with --cache-limit the longest unused ones.",
	.run = run,
};
