/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/commands/history.h"

#include "cli/common/history.h"
#include "cli/common/output.h"
#include "cli/common/progress.h"
#include "cli/common/record.h"
#include "cli/common/report.h"
#include "core/base/error.h"
#include "core/store/index.h"
#include "core/store/journal.h"

static const char *const titles[] = { "JOB",     "ECID",     "MODEL",   "WHAT",
				      "OUTCOME", "ATTEMPTS", "FAILURE", NULL };

/* one that is running has not failed yet; looked at last, because it looks at locks */
static bool
is_over(const RescueJournalSummary *job, void *data)
{
	const RescueCli *cli = data;

	return job->outcome != NULL || !rescue_history_is_running(cli->state_dir, job);
}

static void
add_row(RescueTable *table, const char *state_dir, const RescueJournalSummary *job)
{
	char ecid[RESCUE_ECID_TEXT];
	g_autofree char *attempts = g_strdup_printf("%u", job->attempts);
	const char *const cells[] = {
		job->job,
		job->ecid != 0 ? rescue_ecid_format(job->ecid, ecid) : NULL,
		job->product,
		job->behavior,
		rescue_history_outcome(state_dir, job),
		attempts,
		job->failure,
	};

	rescue_table_add(table, cells);
}

static int
print_table(const RescueCli *cli, const GPtrArray *jobs)
{
	g_autoptr(RescueTable) table = rescue_table_new(titles);
	g_autofree char *text = NULL;

	for (guint i = 0; i < jobs->len; i++)
		add_row(table, cli->state_dir, jobs->pdata[i]);
	text = rescue_table_format(table);
	return rescue_print(text) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
}

static int
print_lines(const RescueCli *cli, const GPtrArray *jobs)
{
	for (guint i = 0; i < jobs->len; i++) {
		g_autoptr(RescueJson) json = rescue_history_to_json(cli->state_dir, jobs->pdata[i]);
		if (!rescue_print_json(json))
			return RESCUE_ERROR_INTERNAL;
	}
	return RESCUE_EXIT_FINE;
}

static void
tell_troubles(const RescueCli *cli, const RescueIndex *index)
{
	const GPtrArray *unreadable = rescue_index_unreadable(index);

	for (guint i = 0; i < unreadable->len; i++)
		rescue_say(cli, "%s", (const char *)unreadable->pdata[i]);
	if (cli->verbose && rescue_index_trouble(index) != NULL)
		rescue_say(cli, "every journal was read: %s", rescue_index_trouble(index));
}

int
rescue_history_list(const RescueCli *cli, const RescueHistoryOptions *options)
{
	g_autoptr(RescueIndex) index = rescue_index_open(cli->state_dir);
	RescueIndexFilter filter = { .ecid = options->ecid,
				     .failed = options->failed,
				     .limit = options->limit,
				     .keep = options->failed ? is_over : NULL,
				     .data = (void *)cli };
	g_autoptr(GPtrArray) jobs = rescue_index_list(index, &filter);

	tell_troubles(cli, index);
	if (cli->json)
		return print_lines(cli, jobs);
	if (jobs->len > 0)
		return print_table(cli, jobs);
	rescue_say(cli, filter.ecid != 0 || filter.failed ? "there is no such job here"
							  : "no job has run here yet");
	return RESCUE_EXIT_FINE;
}

static GPtrArray *
read_events(const RescueCli *cli, const char *job, bool *ret_torn, GError **error)
{
	g_autofree char *path = rescue_journal_path(cli->state_dir, job, error);

	if (path == NULL || !rescue_history_check_job(cli->state_dir, job, error))
		return NULL;
	return rescue_journal_read(path, ret_torn, error);
}

/* takes `record` */
static int
print_events(const RescueJson *summary, RescueJson *record, const GPtrArray *events)
{
	g_autoptr(RescueJson) json = rescue_json_copy(summary);
	RescueJson *array = rescue_json_array_new();

	rescue_json_take(json, "record", record);
	for (guint i = 0; i < events->len; i++)
		rescue_json_append_take(array, rescue_json_ref(events->pdata[i]));
	rescue_json_take(json, "events", array);
	return rescue_print_json(json) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
}

/* with --verbose, every event that is a sentence, with its time */
static char *
format_events(const GPtrArray *events)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < events->len; i++) {
		g_autofree char *sentence = rescue_event_sentence(events->pdata[i]);
		const char *ts = rescue_json_get_string(events->pdata[i], "ts");
		if (sentence != NULL)
			g_string_append_printf(text, "%s  %s\n", ts != NULL ? ts : "", sentence);
	}
	return g_string_free(text, FALSE);
}

static int
print_story(const RescueCli *cli, const GPtrArray *events)
{
	g_autoptr(RescueReport) report = rescue_report_new();
	g_autofree char *text = NULL, *story = NULL;

	rescue_report_show_times(report);
	for (guint i = 0; i < events->len; i++)
		rescue_report_feed(report, events->pdata[i]);
	story = cli->verbose ? format_events(events) : g_strdup("");
	text = rescue_report_format(report);
	return rescue_print_prose(story) && rescue_print_prose(text) ? RESCUE_EXIT_FINE
								     : RESCUE_ERROR_INTERNAL;
}

/* what is personal in it is learnt from all that the job has left */
static RescueJson *
redact(const RescueCli *cli, const char *job, const RescueJson *record, GError **error)
{
	g_autoptr(RescueRedactor)
	    redactor = rescue_redactor_new(g_get_home_dir(), g_get_host_name());

	if (!rescue_history_learn(cli->state_dir, job, redactor, error))
		return NULL;
	return rescue_redactor_json(redactor, record);
}

static int
show_record(const RescueCli *cli, const RescueHistoryOptions *options)
{
	const char *job = options->jobs[0];
	GError *error = NULL;
	g_autoptr(RescueJson) whole = rescue_record_read(cli->state_dir, job, &error);
	g_autoptr(RescueJson) record = NULL;
	g_autofree char *text = NULL;

	if (whole != NULL)
		record = options->redact ? redact(cli, job, whole, &error) : rescue_json_ref(whole);
	if (record == NULL)
		return rescue_fail(cli, error);
	if (cli->json)
		return rescue_print_json(record) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
	text = rescue_record_format(record);
	return rescue_print(text) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
}

int
rescue_history_show(const RescueCli *cli, const RescueHistoryOptions *options)
{
	const char *job = options->jobs[0];
	g_autoptr(RescueJournalSummary) summary = NULL;
	g_autoptr(GPtrArray) events = NULL;
	bool torn = false;
	GError *error = NULL;

	if (options->record)
		return show_record(cli, options);
	if (options->redact)
		return rescue_fail_usage(cli, "history show: --redact goes with --record; “history "
					      "export --redact” gives all of a job");
	events = read_events(cli, job, &torn, &error);
	if (events == NULL)
		return rescue_fail(cli, error);
	summary = rescue_journal_summarize(events, torn);
	g_free(summary->job);
	summary->job = g_strdup(job); /* of the folder, whatever the journal says */
	if (cli->json) {
		g_autoptr(RescueJson) json = rescue_history_to_json(cli->state_dir, summary);
		return print_events(json, rescue_record_read(cli->state_dir, job, NULL), events);
	}
	if (summary->outcome == NULL && rescue_history_is_running(cli->state_dir, summary))
		rescue_say(cli, "this job is still running");
	else if (torn)
		rescue_say(cli, "the last lines of this journal are damaged and left out");
	return print_story(cli, events);
}
