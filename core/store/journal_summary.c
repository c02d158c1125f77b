/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/store/journal_summary.h"

#include <string.h>

#include "core/store/journal.h"

static void
step_free(gpointer data)
{
	RescueJournalStep *step = data;

	g_free(step->time);
	g_free(step->name);
	g_free(step->phase);
	g_free(step->category);
	g_free(step->text);
	g_free(step->outcome);
	g_free(step->port);
	g_free(step);
}

void
rescue_journal_summary_free(RescueJournalSummary *summary)
{
	if (summary == NULL)
		return;
	char *const strings[] = { summary->job,      summary->product, summary->ipsw,
				  summary->behavior, summary->started, summary->ended,
				  summary->outcome,  summary->failure, summary->data,
				  summary->version,  summary->build,   summary->advice,
				  summary->phase,    summary->last,    summary->port };
	for (size_t i = 0; i < G_N_ELEMENTS(strings); i++)
		g_free(strings[i]);
	rescue_engine_run_clear(&summary->engine);
	g_ptr_array_unref(summary->steps);
	g_free(summary);
}

RescueJournalSummary *
rescue_journal_summary_new(void)
{
	RescueJournalSummary *summary = g_new0(RescueJournalSummary, 1);

	summary->steps = g_ptr_array_new_with_free_func(step_free);
	return summary;
}

RescueJournalStep *
rescue_journal_summary_add_step(RescueJournalSummary *summary)
{
	RescueJournalStep *step = g_new0(RescueJournalStep, 1);

	g_ptr_array_add(summary->steps, step);
	return step;
}

/** What the event says replaces what was known; what it does not say leaves that. */
static void
take_string(char **target, const RescueJson *event, const char *key)
{
	const char *value = rescue_json_get_string(event, key);

	if (value == NULL)
		return;
	g_free(*target);
	*target = g_strdup(value);
}

static RescueJournalStep *
add_step(RescueJournalSummary *summary, RescueJournalStepKind kind, const RescueJson *event)
{
	RescueJournalStep *step = rescue_journal_summary_add_step(summary);

	step->kind = kind;
	step->attempt = summary->attempts;
	take_string(&step->time, event, "ts");
	take_string(&step->phase, event, "phase");
	take_string(&step->category, event, "category");
	take_string(&step->text, event, "text");
	take_string(&step->outcome, event, "outcome");
	return step;
}

/** The last step of this kind, if it is still without an outcome. */
static RescueJournalStep *
open_step(const RescueJournalSummary *summary, RescueJournalStepKind kind)
{
	for (guint i = summary->steps->len; i > 0; i--) {
		RescueJournalStep *step = summary->steps->pdata[i - 1];
		if (step->kind == kind)
			return step->outcome == NULL ? step : NULL;
	}
	return NULL;
}

static void
read_job(RescueJournalSummary *summary, const RescueJson *event)
{
	/* the file, or which firmware was wished for: "latest" */
	take_string(&summary->ipsw, event,
		    rescue_json_get_string(event, "ipsw") != NULL ? "ipsw" : "want");
	take_string(&summary->behavior, event, "behavior");
}

static void
read_device(RescueJournalSummary *summary, const RescueJson *event)
{
	take_string(&summary->product, event, "product");
	take_string(&summary->port, event, "port");
}

static void
read_phase(RescueJournalSummary *summary, const RescueJson *event)
{
	const char *state = rescue_json_get_string(event, "state");

	if (state != NULL && strcmp(state, "begin") == 0)
		take_string(&summary->phase, event, "phase");
}

static RescueDialect
read_dialect(const RescueJson *event)
{
	const char *name = rescue_json_get_string(event, "dialect");

	for (int dialect = RESCUE_DIALECT_1_0_0; name != NULL && dialect <= RESCUE_DIALECT_1_0_1;
	     dialect++) {
		if (strcmp(rescue_dialect_name((RescueDialect)dialect), name) == 0)
			return (RescueDialect)dialect;
	}
	return RESCUE_DIALECT_UNKNOWN; /* its lines will tell */
}

static void
read_engine(RescueJournalSummary *summary, const RescueJson *event)
{
	rescue_engine_run_clear(&summary->engine);
	summary->engine.pid = (pid_t)rescue_json_get_int_or(event, "pid", 0);
	summary->engine.start_time = (uint64_t)rescue_json_get_int_or(event, "start_time", 0);
	summary->engine.dialect = read_dialect(event);
	take_string(&summary->engine.transcript, event, "transcript");
	take_string(&summary->engine.version, event, "version");
	summary->engine_open = summary->engine.pid > 0;
	int64_t attempt = rescue_json_get_int_or(event, "attempt", 0);
	summary->attempts = attempt > 0 && attempt < G_MAXUINT ? (unsigned)attempt
							       : summary->attempts + 1;
}

static void
read_attempt(RescueJournalSummary *summary, const RescueJson *event)
{
	RescueJournalStep *step = open_step(summary, RESCUE_JOURNAL_ATTEMPT);
	int64_t number = rescue_json_get_int_or(event, "number", 0);

	if (number > (int64_t)summary->attempts && number < G_MAXUINT)
		summary->attempts = (unsigned)number;
	if (step == NULL || (number > 0 && number != (int64_t)step->attempt))
		step = add_step(summary, RESCUE_JOURNAL_ATTEMPT, event);
	take_string(&step->name, event, "engine");
	/* it goes on, only under another supervisor */
	if (g_strcmp0(rescue_json_get_string(event, "outcome"), "adopted") == 0)
		return;
	take_string(&step->outcome, event, "outcome");
	if (g_strcmp0(step->outcome, "not-run") == 0)
		summary->attempts = step->attempt - MIN(step->attempt, 1);
	if (step->outcome != NULL)
		summary->engine_open = false;
}

static void
read_failure(RescueJournalSummary *summary, const RescueJson *event)
{
	RescueJournalStep *step = add_step(summary, RESCUE_JOURNAL_FAILURE, event);

	take_string(&step->name, event, "failure");
	step->port = g_strdup(summary->port);
	summary->engine_open = false;
}

static void
read_remedy(RescueJournalSummary *summary, const RescueJson *event)
{
	RescueJournalStep *step = open_step(summary, RESCUE_JOURNAL_REMEDY);
	const char *name = rescue_json_get_string(event, "name");

	if (step == NULL || g_strcmp0(step->name, name) != 0)
		step = add_step(summary, RESCUE_JOURNAL_REMEDY, event);
	take_string(&step->name, event, "name");
	take_string(&step->outcome, event, "outcome");
}

static void
read_done(RescueJournalSummary *summary, const RescueJson *event)
{
	take_string(&summary->ended, event, "ts");
	take_string(&summary->outcome, event, "outcome");
	take_string(&summary->failure, event, "failure");
	take_string(&summary->data, event, "data");
	take_string(&summary->version, event, "version");
	take_string(&summary->build, event, "build");
	take_string(&summary->advice, event, "advice");
	(void)rescue_json_get_real(event, "seconds", &summary->seconds);
	int64_t attempts = rescue_json_get_int_or(event, "attempts", 0);
	if (attempts > (int64_t)summary->attempts && attempts < G_MAXUINT)
		summary->attempts = (unsigned)attempts;
	summary->engine_open = false;
}

static const struct {
	const char *event;
	void (*read)(RescueJournalSummary *summary, const RescueJson *event);
} readers[] = {
	{ "job", read_job },       { "device", read_device },   { "step", read_phase },
	{ "engine", read_engine }, { "attempt", read_attempt }, { "failure", read_failure },
	{ "remedy", read_remedy }, { "done", read_done },
};

static void
read_stamp(RescueJournalSummary *summary, const RescueJson *event)
{
	const char *ecid = rescue_json_get_string(event, "ecid");

	if (summary->job == NULL)
		take_string(&summary->job, event, "job");
	if (summary->started == NULL)
		take_string(&summary->started, event, "ts");
	take_string(&summary->last, event, "ts");
	if (ecid != NULL)
		(void)rescue_ecid_parse(ecid, &summary->ecid, NULL);
	summary->seq = MAX(summary->seq, (uint64_t)MAX(rescue_json_get_int_or(event, "seq", 0), 0));
}

RescueJournalSummary *
rescue_journal_summarize(const GPtrArray *events, bool torn)
{
	RescueJournalSummary *summary = rescue_journal_summary_new();

	summary->torn = torn;
	for (guint i = 0; i < events->len; i++) {
		const RescueJson *event = events->pdata[i];
		const char *name = rescue_json_get_string(event, "event");
		read_stamp(summary, event);
		for (size_t r = 0; r < G_N_ELEMENTS(readers) && name != NULL; r++) {
			if (strcmp(name, readers[r].event) == 0)
				readers[r].read(summary, event);
		}
	}
	return summary;
}

RescueJournalSummary *
rescue_journal_summary(const char *path, GError **error)
{
	bool torn = false;
	g_autoptr(GPtrArray) events = rescue_journal_read(path, &torn, error);

	return events != NULL ? rescue_journal_summarize(events, torn) : NULL;
}
