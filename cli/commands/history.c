/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/commands/commands.h"

#include "cli/common/output.h"
#include "cli/common/progress.h"
#include "cli/common/report.h"
#include "core/base/error.h"
#include "core/store/journal.h"

#define SCHEMA_VERSION 1

static const char *const titles[] = { "JOB",     "ECID",     "MODEL",   "WHAT",
				      "OUTCOME", "ATTEMPTS", "FAILURE", NULL };

/* what one journal tells; NULL when it cannot be read */
static RescueReport *
read_report(const RescueCli *cli, const char *job, GPtrArray **ret_events, bool *ret_torn,
	    GError **error)
{
	g_autofree char *path = rescue_journal_path(cli->state_dir, job, error);
	g_autoptr(RescueReport) report = rescue_report_new();
	g_autoptr(GPtrArray) events = NULL;
	unsigned i;

	if (path == NULL)
		return NULL;
	if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "there is no journal of a job ‘%s’ below ‘%s’", job, cli->state_dir);
		return NULL;
	}
	events = rescue_journal_read(path, ret_torn, error);
	if (events == NULL)
		return NULL;
	for (i = 0; i < events->len; i++)
		rescue_report_feed(report, events->pdata[i]);
	if (ret_events != NULL)
		*ret_events = g_steal_pointer(&events);
	return g_steal_pointer(&report);
}

static RescueJson *
summarize(const char *job, const RescueReport *report)
{
	RescueJson *json = rescue_json_object_new();
	const RescueJson *begin = rescue_report_job(report), *done = rescue_report_done(report);
	int64_t attempts;

	rescue_json_set_string(json, "job", job);
	rescue_json_set_string(json, "ecid",
			       begin != NULL ? rescue_json_get_string(begin, "ecid") : NULL);
	rescue_json_set_string(json, "ts",
			       begin != NULL ? rescue_json_get_string(begin, "ts") : NULL);
	rescue_json_set_string(json, "product", rescue_report_product(report));
	rescue_json_set_string(json, "behavior",
			       begin != NULL ? rescue_json_get_string(begin, "behavior") : NULL);
	rescue_json_set_string(json, "ipsw",
			       begin != NULL ? rescue_json_get_string(begin, "ipsw") : NULL);
	rescue_json_set_string(json, "outcome", rescue_report_outcome(report));
	if (done == NULL)
		return json;
	if (rescue_json_get_int(done, "attempts", &attempts))
		rescue_json_set_int(json, "attempts", attempts);
	rescue_json_set_string(json, "failure", rescue_json_get_string(done, "failure"));
	rescue_json_set_string(json, "version", rescue_json_get_string(done, "version"));
	rescue_json_set_string(json, "build", rescue_json_get_string(done, "build"));
	return json;
}

static void
add_row(RescueTable *table, const RescueJson *job)
{
	int64_t attempts;
	g_autofree char *count = rescue_json_get_int(job, "attempts", &attempts)
				     ? g_strdup_printf("%d", (int)attempts)
				     : NULL;
	const char *const cells[] = {
		rescue_json_get_string(job, "job"),     rescue_json_get_string(job, "ecid"),
		rescue_json_get_string(job, "product"), rescue_json_get_string(job, "behavior"),
		rescue_json_get_string(job, "outcome"), count,
		rescue_json_get_string(job, "failure"),
	};

	rescue_table_add(table, cells);
}

static int
print_list(const RescueCli *cli, const RescueJson *jobs)
{
	g_autoptr(RescueTable) table = rescue_table_new(titles);
	g_autofree char *text = NULL;
	size_t i;

	if (cli->json) {
		g_autoptr(RescueJson) json = rescue_json_object_new();
		rescue_json_set_int(json, "v", SCHEMA_VERSION);
		rescue_json_take(json, "jobs", rescue_json_ref(jobs));
		return rescue_print_json(json) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
	}
	for (i = 0; i < rescue_json_length(jobs); i++)
		add_row(table, rescue_json_at(jobs, i));
	if (i == 0) {
		rescue_say(cli, "no job has run here yet");
		return RESCUE_EXIT_FINE;
	}
	text = rescue_table_format(table);
	return rescue_print(text) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
}

static int
list(const RescueCli *cli, const char *unused)
{
	g_auto(GStrv) names = rescue_journal_list_jobs(cli->state_dir);
	g_autoptr(RescueJson) jobs = rescue_json_array_new();
	unsigned i;

	for (i = 0; names != NULL && names[i] != NULL; i++) {
		g_autoptr(GError) error = NULL;
		bool torn;
		g_autoptr(RescueReport) report = read_report(cli, names[i], NULL, &torn, &error);
		if (report == NULL)
			rescue_say(cli, "job %s: %s", names[i], error->message);
		else
			rescue_json_append_take(jobs, summarize(names[i], report));
	}
	return print_list(cli, jobs);
}

static int
print_events(const char *job, const GPtrArray *events, bool torn)
{
	g_autoptr(RescueJson) json = rescue_json_object_new();
	RescueJson *array = rescue_json_array_new();
	unsigned i;

	for (i = 0; i < events->len; i++)
		rescue_json_append_take(array, rescue_json_ref(events->pdata[i]));
	rescue_json_set_int(json, "v", SCHEMA_VERSION);
	rescue_json_set_string(json, "job", job);
	rescue_json_set_bool(json, "torn", torn);
	rescue_json_take(json, "events", array);
	return rescue_print_json(json) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
}

/* with --verbose, every event that is a sentence, with its time */
static char *
format_events(const GPtrArray *events)
{
	GString *text = g_string_new(NULL);
	unsigned i;

	for (i = 0; i < events->len; i++) {
		g_autofree char *sentence = rescue_event_sentence(events->pdata[i]);
		const char *ts = rescue_json_get_string(events->pdata[i], "ts");
		if (sentence != NULL)
			g_string_append_printf(text, "%s  %s\n", ts != NULL ? ts : "", sentence);
	}
	return g_string_free(text, FALSE);
}

static int
show(const RescueCli *cli, const char *job)
{
	g_autoptr(GPtrArray) events = NULL;
	g_autoptr(RescueReport) report = NULL;
	g_autofree char *text = NULL, *story = NULL;
	bool torn = false;
	GError *error = NULL;

	report = read_report(cli, job, &events, &torn, &error);
	if (report == NULL)
		return rescue_fail(cli, error);
	if (cli->json)
		return print_events(job, events, torn);
	if (torn)
		rescue_say(cli, "the last lines of this journal are damaged and left out");
	story = cli->verbose ? format_events(events) : g_strdup("");
	text = rescue_report_format(report);
	return rescue_print(story) && rescue_print(text) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
}

static const struct {
	const char *name;
	unsigned arguments;
	int (*run)(const RescueCli *cli, const char *job);
} actions[] = {
	{ "list", 0, list },
	{ "show", 1, show },
};

static int
run(RescueCli *cli)
{
	g_auto(GStrv) arguments = NULL;
	int status;
	size_t i;

	if (!rescue_cli_parse(cli, &rescue_command_history, NULL, &arguments, &status))
		return status;
	for (i = 0; i < G_N_ELEMENTS(actions); i++) {
		if (g_strcmp0(arguments[0], actions[i].name) == 0 &&
		    g_strv_length(arguments) == actions[i].arguments + 1)
			return actions[i].run(cli, arguments[actions[i].arguments]);
	}
	return rescue_fail_usage(cli, "history: say what to do: list, or show JOB");
}

const RescueCommand rescue_command_history = {
	.name = "history",
	.arguments = "list|show JOB",
	.summary = "what was tried on which device, and what helped",
	.run = run,
};
