/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/resume.h"

#include "core/model/phase.h"
#include "core/process/lock.h"
#include "core/store/journal.h"

void
rescue_takeover_clear(RescueTakeover *takeover)
{
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
	return g_strcmp0(summary->ipsw, job->ipsw) == 0 &&
	       g_strcmp0(summary->behavior, rescue_behavior_name(job->behavior)) == 0;
}

static RescueJournalSummary *
read_story(const char *state_dir, const char *job, bool *ret_erased)
{
	g_autofree char *path = job != NULL ? rescue_journal_path(state_dir, job, NULL) : NULL;
	g_autoptr(GPtrArray) events = NULL;
	bool torn = false;

	events = path != NULL ? rescue_journal_read(path, &torn, NULL) : NULL;
	if (events == NULL)
		return NULL;
	*ret_erased = rescue_takeover_erased(events);
	return rescue_journal_summarize(events, torn);
}

bool
rescue_takeover_find(const char *state_dir, const RescueJob *job, RescueTakeover *ret_takeover)
{
	g_auto(RescueLockHolder) holder = { 0 };
	g_autoptr(RescueJournalSummary) summary = NULL;
	RescueResume resume = { 0 };

	if (!rescue_lock_who(job->ecid, &holder) || !holder.orphan)
		return false;
	summary = read_story(state_dir, holder.job, &resume.erased);
	if (summary == NULL || !summary->engine_open || summary->engine.pid != holder.engine_pid ||
	    summary->engine.start_time != holder.engine_start_time ||
	    !wishes_the_same(summary, job))
		return false;
	resume.seq = summary->seq;
	resume.attempts = summary->attempts;
	resume.engine = summary->engine;
	*ret_takeover = (RescueTakeover){ .summary = g_steal_pointer(&summary), .resume = resume };
	return true;
}
