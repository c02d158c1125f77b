/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/commands/commands.h"

#include <string.h>

#include "cli/common/output.h"
#include "cli/line/daemon.h"
#include "core/base/error.h"
#include "core/config/line.h"

/* What the options said; strings owned. */
typedef struct {
	char *conf, *station, *rules, *name;
	gboolean drain;
} Options;

static void
options_clear(Options *options)
{
	g_free(options->conf);
	g_free(options->station);
	g_free(options->rules);
	g_free(options->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static int
run_line(const RescueCli *cli, const Options *options, char *const *arguments)
{
	g_autoptr(RescueLineConfig) config = NULL;
	GError *error = NULL;

	config = options->conf != NULL ? rescue_line_config_load(options->conf, &error)
				       : rescue_line_config_new();
	if (config == NULL)
		return rescue_fail(cli, error);
	const RescueLineRun run = {
		.name = options->name != NULL ? options->name : config->name,
		.station = options->station != NULL ? options->station : config->station,
		.rules = options->rules != NULL ? options->rules : config->rules,
		.drain = options->drain,
	};
	if (run.station == NULL)
		return rescue_fail_usage(cli, "line run: say --station FILE, or --conf FILE that "
					      "names it");
	return rescue_line_run(cli, &run, &error) ? RESCUE_EXIT_FINE : rescue_fail(cli, error);
}

static const struct {
	const char *word;
	int (*run)(const RescueCli *cli, const Options *options, char *const *arguments);
} actions[] = {
	{ "run", run_line },
};

static int
run(RescueCli *cli)
{
	g_auto(Options) options = { 0 };
	const GOptionEntry entries[] = {
		{ "conf", 0, 0, G_OPTION_ARG_FILENAME, &options.conf,
		  "what the service is told: line.conf", "FILE" },
		{ "station", 0, 0, G_OPTION_ARG_FILENAME, &options.station,
		  "the ports and what the computer can take", "FILE" },
		{ "rules", 0, 0, G_OPTION_ARG_FILENAME, &options.rules,
		  "which phone gets which job", "FILE" },
		{ "name", 0, 0, G_OPTION_ARG_STRING, &options.name, "of the station", "NAME" },
		{ "drain", 0, 0, G_OPTION_ARG_NONE, &options.drain,
		  "when asked to stop, wait for the restores that run", NULL },
		{ 0 }
	};
	g_auto(GStrv) arguments = NULL;
	int status;

	if (!rescue_cli_parse(cli, &rescue_command_line, entries, &arguments, &status))
		return status;
	for (size_t i = 0; arguments[0] != NULL && i < G_N_ELEMENTS(actions); i++) {
		if (strcmp(arguments[0], actions[i].word) == 0)
			return actions[i].run(cli, &options, arguments + 1);
	}
	return rescue_fail_usage(cli, "line: say what to do: run");
}

const RescueCommand rescue_command_line = {
	.name = "line",
	.arguments = "run",
	.summary = "a bench of phones, restored without hands",
	.details =
	    "“line run” watches the ports of the station file, gives each phone the job that "
	    "the rules say, and follows it until it has passed, failed or needs a person. "
	    "When it is stopped or dies, the restores that run go on, and the next “line "
	    "run” takes them up.",
	.run = run,
};
