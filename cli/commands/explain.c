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
	g_autoptr(RescueJson) json = NULL;
	RescueFailure failure;
	g_autofree char *text = NULL;
	GError *error = NULL;
	int status;

	if (!rescue_cli_parse(cli, &rescue_command_explain, NULL, &arguments, &status))
		return status;
	if (g_strv_length(arguments) != 1)
		return rescue_fail_usage(
		    cli,
		    "explain: give one number or name, as in 3194, tss:94 or usb-link-dropped");
	if (!rescue_explain_find(arguments[0], &failure, &error))
		return rescue_fail(cli, error);
	if (cli->json) {
		json = rescue_explain_json(failure);
		return rescue_print_json(json) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
	}
	text = rescue_explain_text(failure);
	return rescue_print_prose(text) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
}

const RescueCommand rescue_command_explain = {
	.name = "explain",
	.arguments = "CODE|NAME",
	.summary = "one failure, its category, what helps",
	.details = "CODE is a number that any tool shows, decimal or 0x…, a negative one behind "
		   "“--”; with its domain in front\n"
		   "(itunes:4013, tss:94, restored:14) only that one is looked up.",
	.run = run,
};
