/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/commands/commands.h"

#include "cli/common/output.h"
#include "core/base/error.h"
#include "core/remedy/explain.h"

static int
run(RescueCli *cli)
{
	g_auto(GStrv) arguments = NULL;
	g_autofree char *asked = NULL;
	GError *error = NULL;
	int status;

	if (!rescue_cli_parse(cli, &rescue_command_explain, NULL, &arguments, &status))
		return status;
	if (g_strv_length(arguments) == 0)
		return rescue_fail_usage(
		    cli,
		    "explain: give one number or name, as in 3194, tss:94 or usb-link-dropped");
	asked = g_strjoinv(" ", arguments);
	if (cli->json) {
		g_autoptr(RescueJson) json = rescue_explain_answer_json(asked, &error);
		if (json == NULL)
			return rescue_fail(cli, error);
		return rescue_print_json(json) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
	}
	g_autofree char *text = rescue_explain_answer(asked, &error);
	if (text == NULL)
		return rescue_fail(cli, error);
	return rescue_print_prose(text) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
}

const RescueCommand rescue_command_explain = {
	.name = "explain",
	.numbers = true,
	.arguments = "CODE|NAME",
	.summary = "one failure, its category, what helps",
	.details = "CODE is a number that any tool shows, decimal or 0x…, a negative one behind "
		   "“--”, or its name in a header\n"
		   "(kAMDPairingProhibitedError); with its domain in front (itunes:4013, tss:94, "
		   "AMR 11, STATUS=94) only that\none is looked up. NAME is a failure, or a "
		   "category or phase, of which all failures are listed.",
	.run = run,
};
