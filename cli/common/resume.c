/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/resume.h"

#include <string.h>

#include "core/model/phase.h"
#include "core/process/lock.h"
#include "core/process/process.h"
#include "core/remedy/remedy.h"
#include "core/store/journal.h"

#define MS 1000 /* microseconds */

void
rescue_takeover_clear(RescueTakeover *takeover)
{
	if (takeover->tried != NULL)
		g_array_unref(takeover->tried);
	rescue_journal_summary_free(takeover->summary);
	*takeover = (RescueTakeover){ 0 };
}

/* the phases are in the order of a restore; CONFIRM comes after all that erases */
bool
rescue_takeover_erased(const GPtrArray *events)
{
	bool erase = false, reached = false;
	RescuePhase phase;
	unsigned i;

	for (i = 0; i < events->len; i++) {
		const RescueJson *event = events->pdata[i];
		const char *name = rescue_json_get_string(event, "event");
		const char *word = rescue_json_get_string(event, "phase");
		if (g_strcmp0(name, "job") == 0)
			erase = g_strcmp0(rescue_json_get_string(event, "behavior"), "erase") == 0;
		if (g_strcmp0(name, "step") == 0 && word != NULL &&
		    rescue_phase_parse(word, &phase))
			reached |= phase >= RESCUE_PHASE_FILESYSTEM;
	}
	return erase && reached;
}

static bool
wishes_the_same(const RescueJournalSummary *summary, const RescueJob *job)
{
	g_autofree char *want = job->ipsw != NULL ? g_strdup(job->ipsw)
						  : rescue_wish_describe(&job->wish);

	return g_strcmp0(summary->ipsw, want) == 0 &&
	       g_strcmp0(summary->behavior, rescue_behavior_name(job->behavior)) == 0;
}

static bool
reached_restore(const GPtrArray *events)
{
	RescuePhase phase;
	bool reached = false;

	for (unsigned i = 0; i < events->len; i++) {
		const RescueJson *event = events->pdata[i];
		const char *word = rescue_json_get_string(event, "phase");
		if (g_strcmp0(rescue_json_get_string(event, "event"), "step") == 0 &&
		    word != NULL && rescue_phase_parse(word, &phase))
			reached |= phase >= RESCUE_PHASE_HANDSHAKE && phase <= RESCUE_PHASE_FINISH;
	}
	return reached;
}

/* a remedy that took effect has answered the engine's end; whatever came before it has to be done again */
static bool
engine_is_answered(const RescueJournalSummary *summary)
{
	bool answered = true;

	for (unsigned i = 0; i < summary->steps->len; i++) {
		const RescueJournalStep *step = summary->steps->pdata[i];
		if (step->kind == RESCUE_JOURNAL_ATTEMPT)
			answered = g_strcmp0(step->outcome, "not-run") == 0;
		else if (step->kind == RESCUE_JOURNAL_REMEDY)
			answered |= g_strcmp0(step->outcome, "took-effect") == 0;
	}
	return answered && !summary->engine_open;
}

/* a remedy that was not carried out to its end does not count */
static void
add_tried(GArray *tried, const RescueJournalStep *failure, const RescueJournalStep *step)
{
	RescueTried one = { .took_effect = g_strcmp0(step->outcome, "took-effect") == 0 };

	if (step->outcome == NULL || failure->name == NULL || failure->phase == NULL ||
	    step->name == NULL || !rescue_failure_parse(failure->name, &one.failure) ||
	    !rescue_phase_parse(failure->phase, &one.phase) ||
	    !rescue_remedy_parse(step->name, &one.remedy))
		return;
	g_array_append_val(tried, one);
}

void
rescue_takeover_read(const RescueJournalSummary *summary, GArray *tried, RescueResume *resume)
{
	const RescueJournalStep *failure = NULL;

	for (unsigned i = 0; i < summary->steps->len; i++) {
		const RescueJournalStep *step = summary->steps->pdata[i];
		if (step->kind == RESCUE_JOURNAL_FAILURE)
			failure = step;
		else if (step->kind == RESCUE_JOURNAL_REMEDY && failure != NULL)
			add_tried(tried, failure, step);
	}
	resume->tried = tried;
	resume->seq = summary->seq;
	resume->attempts = summary->attempts;
	if (!engine_is_answered(summary))
		resume->engine = summary->engine;
}

static int64_t
started_us(const RescueJournalSummary *summary)
{
	g_autoptr(GDateTime) time = summary->started != NULL
					? g_date_time_new_from_iso8601(summary->started, NULL)
					: NULL;

	return time != NULL ? g_date_time_to_unix(time) * G_USEC_PER_SEC : 0;
}

static bool
read_story(const char *state_dir, const char *job, RescueTakeover *takeover)
{
	g_autofree char *path = rescue_journal_path(state_dir, job, NULL);
	g_autoptr(GPtrArray) events = NULL;
	bool torn = false;

	events = path != NULL ? rescue_journal_read(path, &torn, NULL) : NULL;
	if (events == NULL || events->len == 0)
		return false;
	rescue_takeover_clear(takeover);
	takeover->summary = rescue_journal_summarize(events, torn);
	takeover->tried = g_array_new(FALSE, FALSE, sizeof(RescueTried));
	takeover->resume.erased = rescue_takeover_erased(events);
	takeover->resume.reached_restore = reached_restore(events);
	rescue_takeover_read(takeover->summary, takeover->tried, &takeover->resume);
	return true;
}

/* the names of jobs begin with the time at which they were made */
static bool
read_newest_story(const char *state_dir, const RescueJob *job, int64_t now_us,
		  RescueTakeover *takeover)
{
	g_auto(GStrv) jobs = rescue_journal_list_jobs(state_dir);
	int64_t oldest_us = MAX(now_us - job->policy->deadline_ms * MS, 0);
	g_autofree char *oldest = rescue_job_make_id(oldest_us, 0);

	for (char **name = jobs; *name != NULL && strcmp(*name, oldest) >= 0; name++)
		if (read_story(state_dir, *name, takeover) && takeover->summary->ecid == job->ecid)
			return true;
	return false;
}

static bool
find_story(const char *state_dir, const RescueJob *job, int64_t now_us, RescueTakeover *takeover)
{
	g_auto(RescueLockHolder) holder = { 0 };
	const RescueEngineRun *engine = &takeover->resume.engine;

	if (!rescue_lock_who(job->ecid, &holder))
		return read_newest_story(state_dir, job, now_us, takeover);
	if (!holder.orphan || holder.job == NULL || !read_story(state_dir, holder.job, takeover))
		return false;
	return (engine->pid == holder.engine_pid &&
		engine->start_time == holder.engine_start_time) ||
	       !rescue_process_is_alive(holder.engine_pid, holder.engine_start_time);
}

bool
rescue_takeover_find(const char *state_dir, const RescueJob *job, int64_t now_us,
		     RescueTakeover *ret_takeover)
{
	g_auto(RescueTakeover) takeover = { 0 };

	if (job->dry_run || !find_story(state_dir, job, now_us, &takeover))
		return false;
	const RescueJournalSummary *summary = takeover.summary;
	if (summary->outcome != NULL || summary->attempts == 0 || !wishes_the_same(summary, job))
		return false;
	takeover.resume.spent_ms = MAX(now_us - started_us(summary), 0) / MS;
	*ret_takeover = takeover;
	takeover = (RescueTakeover){ 0 };
	return true;
}
