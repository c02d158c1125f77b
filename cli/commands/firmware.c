/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/commands/commands.h"

#include <string.h>

#include "cli/common/output.h"
#include "cli/common/worker.h"
#include "core/base/error.h"
#include "core/base/parse.h"
#include "firmware/ipsw/firmware-json.h"
#include "firmware/ipsw/inspect.h"
#include "firmware/ipsw/ipsw.h"

static const char *const titles[] = { "CHIP", "BOARD", "DEVICE", "DOES", "VARIANT", NULL };

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
			chip,
			board,
			identity->board,
			identity->behavior == RESCUE_BEHAVIOR_UNSAID
			    ? NULL
			    : rescue_behavior_name(identity->behavior),
			identity->variant,
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

static int
run(RescueCli *cli)
{
	gboolean worker = FALSE, check = FALSE;
	const GOptionEntry entries[] = {
		{ "check", 0, 0, G_OPTION_ARG_NONE, &check,
		  "also read every component and compare its checksum", NULL },
		{ "worker", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &worker, "", NULL },
		{ 0 }
	};
	g_auto(GStrv) arguments = NULL;
	g_autoptr(RescueFirmware) firmware = NULL;
	g_autofree char *path = NULL;
	GError *error = NULL;
	int status;

	if (!rescue_cli_parse(cli, &rescue_command_firmware, entries, &arguments, &status))
		return status;
	if (g_strcmp0(arguments[0], "show") != 0)
		return rescue_fail_usage(cli, "firmware: say what to do: show FILE");
	if (g_strv_length(arguments) != 2)
		return rescue_fail_usage(cli, "firmware show: name one FILE");
	path = g_canonicalize_filename(arguments[1], NULL);
	firmware = worker ? read_here(path, check, &error)
			  : read_in_child(cli, path, check, &error);
	if (firmware == NULL)
		return rescue_fail(cli, error);
	return print_firmware(cli, firmware);
}

const RescueCommand rescue_command_firmware = {
	.name = "firmware",
	.arguments = "show FILE",
	.summary = "what a firmware file is, for which devices, and whether it is whole",
	.run = run,
};
