/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/commands/commands.h"

#include "cli/common/checkup.h"
#include "cli/common/output.h"
#include "cli/common/wiring.h"
#include "core/base/error.h"
#include "core/model/ecid.h"

#define EXIT_BREAKS 4 /* of the contract */

/* What the command line says besides the global options. */
typedef struct {
	char *ecid, *worker;
	char **only;
	gboolean list;
} Options;

static void
options_clear(Options *options)
{
	g_free(options->ecid);
	g_free(options->worker);
	g_strfreev(options->only);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static int
print_text(char *text)
{
	g_autofree char *owned = text;

	return rescue_print(owned) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
}

static int
work(const RescueCli *cli, const Options *options, char **arguments)
{
	g_autoptr(RescueFindings) report = rescue_findings_new();

	if (!rescue_checkup_work(cli, options->worker, arguments, report))
		return rescue_fail_usage(cli, "doctor: ‘%s’ is no worker", options->worker);
	return print_text(rescue_findings_to_lines(report));
}

/* the device with its port, model and build; NULL with a finding when it is not attached. Caller owns. */
static RescueDevice *
find_device(const RescueWiring *wiring, RescueEcid ecid, RescueFindings *report)
{
	const RescuePorts *ports = rescue_wiring_ports(wiring);
	g_autoptr(RescueDevice) device = ports->devices->find(ports->devices_self, ecid);
	char text[RESCUE_ECID_TEXT];

	if (device->mode != RESCUE_MODE_ABSENT)
		return g_steal_pointer(&device);
	rescue_findings_find(report, RESCUE_FINDING_DEVICE_ABSENT, "%s",
			     rescue_ecid_format(ecid, text));
	return NULL;
}

static bool
read_parts(char **only, unsigned *ret_parts, GError **error)
{
	unsigned parts = 0;

	for (; only != NULL && *only != NULL; only++) {
		RescuePart part;
		if (!rescue_part_parse(*only, &part)) {
			g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
				    "--only: ‘%s’ is none of network, usb, engine, host", *only);
			return false;
		}
		parts |= 1u << part;
	}
	*ret_parts = parts != 0 ? parts : RESCUE_PARTS_ALL;
	return true;
}

static int
tell(const RescueCli *cli, RescueFindings *report)
{
	int status = rescue_findings_breaks(report) ? EXIT_BREAKS : RESCUE_EXIT_FINE;

	if (cli->json) {
		g_autoptr(RescueJson) json = rescue_findings_to_json(report);
		return rescue_print_json(json) ? status : RESCUE_ERROR_INTERNAL;
	}
	return print_text(rescue_findings_to_text(report, cli->verbose)) == RESCUE_EXIT_FINE
		   ? status
		   : RESCUE_ERROR_INTERNAL;
}

static int
examine(const RescueCli *cli, const Options *options)
{
	g_autoptr(RescueFindings) report = rescue_findings_new();
	g_autoptr(RescueWiring) wiring = NULL;
	g_autoptr(RescueDevice) device = NULL;
	RescueCheckup checkup;
	RescueEcid ecid;
	GError *error = NULL;

	rescue_cli_recover_ports(cli);
	rescue_checkup_init(&checkup, cli);
	if (!read_parts(options->only, &checkup.parts, &error))
		return rescue_fail(cli, error);
	if (options->ecid != NULL) {
		if (!rescue_ecid_parse(options->ecid, &ecid, &error))
			return rescue_fail(cli, error);
		wiring = rescue_wiring_new(cli, &error);
		if (wiring == NULL)
			return rescue_fail(cli, error);
		device = find_device(wiring, ecid, report);
		checkup.device = device;
	}
	rescue_checkup_run(&checkup, report);
	return tell(cli, report);
}

static int
run(RescueCli *cli)
{
	g_auto(Options) options = { .ecid = NULL };
	const GOptionEntry entries[] = {
		{ "ecid", 0, 0, G_OPTION_ARG_STRING, &options.ecid,
		  "also look at this device, its port, and whether the engine knows it", "ECID" },
		{ "only", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.only,
		  "look at network, usb, engine or host only; may be repeated", "PART" },
		{ "list", 0, 0, G_OPTION_ARG_NONE, &options.list,
		  "tell everything that can be found, then stop", NULL },
		{ "worker", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_STRING, &options.worker, "", "" },
		{ 0 },
	};
	g_auto(GStrv) arguments = NULL;
	int status;

	if (!rescue_cli_parse(cli, &rescue_command_doctor, entries, &arguments, &status))
		return status;
	if (options.worker != NULL)
		return work(cli, &options, arguments);
	if (arguments[0] != NULL)
		return rescue_fail_usage(cli, "doctor: ‘%s’ is one argument too many",
					 arguments[0]);
	if (options.list)
		return print_text(rescue_findings_table());
	return examine(cli, &options);
}

const RescueCommand rescue_command_doctor = {
	.name = "doctor",
	.arguments = "",
	.summary = "what on this host would break a restore",
	.details = "It opens no device, and changes nothing: only a port that a killed job has "
		   "left off is "
		   "switched on. Exit status 4 when something was found "
		   "that would "
		   "break a restore.\n"
		   "Every finding is described in docs/doctor.md.",
	.run = run,
};
