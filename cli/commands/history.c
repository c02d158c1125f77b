/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/commands/history.h"

#include "cli/commands/commands.h"
#include "cli/common/output.h"
#include "core/base/error.h"
#include "core/base/parse.h"

#define MAX_LIMIT 1000000

static void
options_clear(RescueHistoryOptions *options)
{
	g_free(options->ecid_text);
	g_free(options->limit_text);
	g_free(options->before_text);
	g_free(options->output);
	*options = (RescueHistoryOptions){ .before_ms = -1 };
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueHistoryOptions, options_clear)

/* which options an action takes */
enum {
	TAKES_ECID = 1 << 0,
	TAKES_LIMIT = 1 << 1,
	TAKES_FAILED = 1 << 2,
	TAKES_REDACT = 1 << 3,
	TAKES_OUTPUT = 1 << 4,
	TAKES_BEFORE = 1 << 5,
	TAKES_ALL = 1 << 6,
	TAKES_EXPIRED = 1 << 7,
	TAKES_RECORD = 1 << 8,
};

typedef struct {
	const char *name;
	unsigned takes;
	unsigned jobs_at_least, jobs_at_most;
	const char *wants; /* said when the number of jobs is wrong */
	int (*run)(const RescueCli *cli, const RescueHistoryOptions *options);
} Action;

static const Action actions[] = {
	{ "list", TAKES_ECID | TAKES_LIMIT | TAKES_FAILED, 0, 0,
	  "takes no JOB; “history show JOB” tells of one", rescue_history_list },
	{ "show", TAKES_RECORD | TAKES_REDACT, 1, 1,
	  "name one JOB; “history list” tells which there are", rescue_history_show },
	{ "export", TAKES_REDACT | TAKES_OUTPUT, 1, G_MAXUINT,
	  "name each JOB; “history list” tells which there are", rescue_history_give },
	{ "forget", TAKES_ECID | TAKES_BEFORE | TAKES_ALL | TAKES_EXPIRED, 0, G_MAXUINT, NULL,
	  rescue_history_delete },
};

static const char *
foreign_option(const RescueHistoryOptions *options, unsigned takes)
{
	const struct {
		unsigned bit;
		bool given;
		const char *name;
	} given[] = {
		{ TAKES_ECID, options->ecid_text != NULL, "--ecid" },
		{ TAKES_LIMIT, options->limit_text != NULL, "--limit" },
		{ TAKES_FAILED, options->failed, "--failed" },
		{ TAKES_REDACT, options->redact, "--redact" },
		{ TAKES_RECORD, options->record, "--record" },
		{ TAKES_OUTPUT, options->output != NULL, "--output" },
		{ TAKES_BEFORE, options->before_text != NULL, "--before" },
		{ TAKES_ALL, options->all, "--all" },
		{ TAKES_EXPIRED, options->expired, "--expired" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(given); i++) {
		if (given[i].given && (takes & given[i].bit) == 0)
			return given[i].name;
	}
	return NULL;
}

static bool
read_numbers(RescueHistoryOptions *options, GError **error)
{
	const char *name = "--ecid: ";
	bool fine = options->ecid_text == NULL ||
		    rescue_ecid_parse(options->ecid_text, &options->ecid, error);

	if (fine && options->limit_text != NULL) {
		name = "--limit: ";
		fine = rescue_parse_uint(options->limit_text, 1, MAX_LIMIT, &options->limit, error);
	}
	if (fine && options->before_text != NULL) {
		name = "--before: ";
		fine = rescue_parse_duration(options->before_text, &options->before_ms, error);
	}
	if (!fine)
		g_prefix_error(error, "%s", name);
	return fine;
}

static int
run_action(const RescueCli *cli, const Action *action, RescueHistoryOptions *options)
{
	const char *foreign = foreign_option(options, action->takes);
	unsigned jobs = g_strv_length(options->jobs);
	GError *error = NULL;

	if (foreign != NULL)
		return rescue_fail_usage(cli, "history %s: %s does not go with it", action->name,
					 foreign);
	if (jobs < action->jobs_at_least || jobs > action->jobs_at_most)
		return rescue_fail_usage(cli, "history %s: %s", action->name, action->wants);
	if (!read_numbers(options, &error))
		return rescue_fail(cli, error);
	return action->run(cli, options);
}

static int
find_action(const RescueCli *cli, char **arguments, RescueHistoryOptions *options)
{
	for (size_t i = 0; i < G_N_ELEMENTS(actions) && arguments[0] != NULL; i++) {
		if (g_strcmp0(arguments[0], actions[i].name) != 0)
			continue;
		options->jobs = arguments + 1;
		return run_action(cli, &actions[i], options);
	}
	return rescue_fail_usage(cli,
				 "history: say what to do: list, show JOB, export JOB, or forget");
}

static int
run(RescueCli *cli)
{
	g_auto(RescueHistoryOptions) options = { .before_ms = -1 };
	const GOptionEntry entries[] = {
		{ "ecid", 0, 0, G_OPTION_ARG_STRING, &options.ecid_text,
		  "list, forget: only jobs of this device", "E" },
		{ "limit", 0, 0, G_OPTION_ARG_STRING, &options.limit_text,
		  "list: at most so many, the newest first", "N" },
		{ "failed", 0, 0, G_OPTION_ARG_NONE, &options.failed,
		  "list: only jobs that did not end restored", NULL },
		{ "redact", 0, 0, G_OPTION_ARG_NONE, &options.redact,
		  "export, show --record: replace what is personal", NULL },
		{ "record", 0, 0, G_OPTION_ARG_NONE, &options.record,
		  "show: the restore record instead of the story", NULL },
		{ "output", 0, 0, G_OPTION_ARG_FILENAME, &options.output,
		  "export: write to FILE instead of stdout", "FILE" },
		{ "before", 0, 0, G_OPTION_ARG_STRING, &options.before_text,
		  "forget: only jobs older than 12h, 30d", "DURATION" },
		{ "all", 0, 0, G_OPTION_ARG_NONE, &options.all, "forget: every job", NULL },
		{ "expired", 0, 0, G_OPTION_ARG_NONE, &options.expired,
		  "forget: jobs older than “retention” of the config file", NULL },
		{ 0 }
	};
	g_auto(GStrv) arguments = NULL;
	int status;

	if (!rescue_cli_parse(cli, &rescue_command_history, entries, &arguments, &status))
		return status;
	return find_action(cli, arguments, &options);
}

const RescueCommand rescue_command_history = {
	.name = "history",
	.arguments = "list|show JOB|export JOB…|forget [JOB…]",
	.summary = "what was tried on which device, and what helped",
	.details = "With --json each action answers in JSON Lines. A job that is running is never "
		   "forgotten (status 75).",
	.run = run,
};
