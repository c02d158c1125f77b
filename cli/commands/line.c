/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/commands/commands.h"

#include <string.h>

#include "cli/common/output.h"
#include "cli/line/client/client.h"
#include "cli/line/daemon.h"
#include "cli/line/ops/commands.h"
#include "cli/line/read.h"
#include "cli/line/settings.h"
#include "cli/line/token.h"

/* What the options said; strings owned. */
typedef struct {
	char *conf, *station, *rules, *name, *listen;
	char *from, *to, *shift, *records, *role;
	gboolean drain, watch, csv;
} Options;

static void
options_clear(Options *options)
{
	char *const texts[] = { options->conf,    options->station, options->rules, options->name,
				options->listen,  options->from,    options->to,    options->shift,
				options->records, options->role };

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		g_free(texts[i]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

/* One subcommand; `words`: what stands behind its name. */
typedef int (*Action)(RescueCli *cli, const Options *options, const char *name, char *const *words);

static RescueLineRun
make_run(const Options *options)
{
	return (RescueLineRun){
		.conf = options->conf,
		.name = options->name,
		.station = options->station,
		.rules = options->rules,
		.listen = options->listen,
		.drain = options->drain,
	};
}

static int
run_line(RescueCli *cli, const Options *options, const char *name, char *const *words)
{
	const RescueLineRun run = make_run(options);
	GError *error = NULL;

	return rescue_line_run(cli, &run, &error) ? RESCUE_EXIT_FINE : rescue_fail(cli, error);
}

static int
status(RescueCli *cli, const Options *options, const char *name, char *const *words)
{
	return rescue_line_status(cli, options->watch);
}

static int
report(RescueCli *cli, const Options *options, const char *name, char *const *words)
{
	const RescueLineReportOptions wanted = { .from = options->from,
						 .to = options->to,
						 .shift = options->shift,
						 .csv = options->csv,
						 .records = options->records };

	return rescue_line_report(cli, &wanted);
}

/* A child of the daemon: tells one webhook, or runs one hook. */
static int
deliver(RescueCli *cli, const Options *options, const char *name, char *const *words)
{
	return rescue_line_deliver(cli, options->conf, words);
}

/* The same, once a day. */
static int
upkeep(RescueCli *cli, const Options *options, const char *name, char *const *words)
{
	return rescue_line_upkeep(cli, options->conf);
}

/* The same, for each question about past jobs. */
static int
read_past(RescueCli *cli, const Options *options, const char *name, char *const *words)
{
	return rescue_line_read(cli, words);
}

static int
backup(RescueCli *cli, const Options *options, const char *name, char *const *words)
{
	return rescue_line_backup(cli, words);
}

static int
token(RescueCli *cli, const Options *options, const char *name, char *const *words)
{
	return rescue_line_token(cli, options->role, words);
}

static int
act(RescueCli *cli, const Options *options, const char *name, char *const *words)
{
	return rescue_line_act(cli, name, words);
}

/* which options a subcommand takes */
enum { FOR_RUN = 1, FOR_STATUS = 2, FOR_REPORT = 4, WITH_CONF = 8, FOR_TOKEN = 16 };

static const struct {
	const char *word;
	Action action;
	unsigned takes;
	bool with_words; /* behind its name, as it tells by itself */
} actions[] = {
	{ "run", run_line, FOR_RUN | WITH_CONF, false },
	{ "status", status, FOR_STATUS, false },
	{ "report", report, FOR_REPORT, false },
	{ "backup", backup, 0, true },
	{ "token", token, FOR_TOKEN, true },
	{ "deliver", deliver, WITH_CONF, true },
	{ "upkeep", upkeep, WITH_CONF, false },
	{ "read", read_past, 0, true },
	{ "hold", act, 0, true },
	{ "release", act, 0, true },
	{ "retest", act, 0, true },
	{ "answer", act, 0, true },
	{ "scan", act, 0, true },
	{ "label", act, 0, true },
	{ "reload", act, 0, true },
};

static const char *
foreign_option(const Options *options, unsigned takes)
{
	const struct {
		unsigned bit;
		bool given;
		const char *name;
	} given[] = {
		{ WITH_CONF, options->conf != NULL, "--conf" },
		{ FOR_RUN, options->station != NULL, "--station" },
		{ FOR_RUN, options->rules != NULL, "--rules" },
		{ FOR_RUN, options->name != NULL, "--name" },
		{ FOR_RUN, options->listen != NULL, "--listen" },
		{ FOR_RUN, options->drain, "--drain" },
		{ FOR_STATUS, options->watch, "--watch" },
		{ FOR_REPORT, options->from != NULL, "--from" },
		{ FOR_REPORT, options->to != NULL, "--to" },
		{ FOR_REPORT, options->shift != NULL, "--shift" },
		{ FOR_REPORT, options->csv, "--csv" },
		{ FOR_REPORT, options->records != NULL, "--records" },
		{ FOR_TOKEN, options->role != NULL, "--role" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(given); i++) {
		if (given[i].given && (takes & given[i].bit) == 0)
			return given[i].name;
	}
	return NULL;
}

static int
run_action(RescueCli *cli, size_t i, const Options *options, char *const *words)
{
	const char *foreign = foreign_option(options, actions[i].takes);

	if (foreign != NULL)
		return rescue_fail_usage(cli, "line %s: %s does not go with it", actions[i].word,
					 foreign);
	if (!actions[i].with_words && words[0] != NULL)
		return rescue_fail_usage(cli, "line %s takes no ‘%s’", actions[i].word, words[0]);
	return actions[i].action(cli, options, actions[i].word, words);
}

static int
run(RescueCli *cli)
{
	g_auto(Options) options = { 0 };
	const GOptionEntry entries[] = {
		{ "conf", 0, 0, G_OPTION_ARG_FILENAME, &options.conf,
		  "run: what the service is told (line.conf)", "FILE" },
		{ "station", 0, 0, G_OPTION_ARG_FILENAME, &options.station,
		  "run: the ports, and what the computer can take", "FILE" },
		{ "rules", 0, 0, G_OPTION_ARG_FILENAME, &options.rules,
		  "run: which phone gets which job", "FILE" },
		{ "name", 0, 0, G_OPTION_ARG_STRING, &options.name, "run: of the station", "NAME" },
		{ "listen", 0, 0, G_OPTION_ARG_STRING, &options.listen,
		  "run: where the dashboard is, 127.0.0.1:8470 when not said",
		  "ADDRESS:PORT|none" },
		{ "drain", 0, 0, G_OPTION_ARG_NONE, &options.drain,
		  "run: when asked to stop, wait for the restores that run", NULL },
		{ "watch", 0, 0, G_OPTION_ARG_NONE, &options.watch, "status: go on showing it",
		  NULL },
		{ "from", 0, 0, G_OPTION_ARG_STRING, &options.from, "report: from then on",
		  "TIME" },
		{ "to", 0, 0, G_OPTION_ARG_STRING, &options.to, "report: up to then", "TIME" },
		{ "shift", 0, 0, G_OPTION_ARG_STRING, &options.shift,
		  "report: so long, up to now or --to", "8h" },
		{ "csv", 0, 0, G_OPTION_ARG_NONE, &options.csv, "report: as CSV", NULL },
		{ "records", 0, 0, G_OPTION_ARG_FILENAME, &options.records,
		  "report: a restore record for each job", "FOLDER" },
		{ "role", 0, 0, G_OPTION_ARG_STRING, &options.role,
		  "token: who only looks (when not said), or who does things, too",
		  "viewer|operator" },
		{ 0 }
	};
	g_auto(GStrv) arguments = NULL;
	int status_of_parse;

	if (!rescue_cli_parse(cli, &rescue_command_line, entries, &arguments, &status_of_parse))
		return status_of_parse;
	for (size_t i = 0; arguments[0] != NULL && i < G_N_ELEMENTS(actions); i++) {
		if (strcmp(arguments[0], actions[i].word) == 0)
			return run_action(cli, i, &options, arguments + 1);
	}
	return rescue_fail_usage(cli, "line: say what to do: run, status, hold, release, retest, "
				      "answer, scan, label, reload, report, backup or token");
}

const RescueCommand rescue_command_line = {
	.name = "line",
	.arguments = "run|status|report|reload|hold|release|retest|answer LABEL|scan|label LABEL "
		     "TEXT|backup FOLDER|token [NAME]",
	.summary = "a bench of phones, restored without hands",
	.details =
	    "“line run” watches the ports of the station file, gives each phone the job that "
	    "the rules say, and follows it until it has passed, failed or needs a person. "
	    "When it is stopped or dies, the restores that run go on, and the next “line "
	    "run” takes them up. report and backup read the state folder, token prints a new token "
	    "for the dashboard and its line for the tokens file, and the others speak to a line "
	    "that runs.",
	.run = run,
};
