/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/state.h"

#include "core/model/event.h"

/* What is kept while the journal refuses. A job has some hundred events besides its progress. */
#define MAX_LATE 4096u

/* of which only the last one matters */
static bool
is_passing(const RescueJson *event)
{
	const char *name = rescue_json_get_string(event, "event");

	return g_strcmp0(name, "progress") == 0 || g_strcmp0(name, "alive") == 0;
}

static void
set_broken(RescueRun *run, GError *error)
{
	g_prefix_error(&error, "the journal of the job cannot be written: ");
	g_clear_error(&run->broken);
	run->broken = error;
	run->blind = true;
}

/* In order and without gaps: nothing is written before what came before it. */
static void
write_late(RescueRun *run)
{
	GError *error = NULL;
	RescueJson *event;

	while (!run->lost && (event = g_queue_peek_head(&run->late)) != NULL) {
		if (!run->ports->store->append(run->ports->store_self, event, &error)) {
			set_broken(run, error);
			return;
		}
		rescue_json_free(g_queue_pop_head(&run->late));
	}
	if (!run->lost)
		g_clear_error(&run->broken); /* there is room again, and nothing is missing */
}

static void
journal(RescueRun *run, const RescueJson *event)
{
	/* there may be room again, and for a job that waits nobody else says anything */
	if (!g_queue_is_empty(&run->late) && is_passing(event))
		write_late(run);
	if (!g_queue_is_empty(&run->late) && is_passing(event))
		return;
	run->lost |= g_queue_get_length(&run->late) >= MAX_LATE;
	if (!run->lost)
		g_queue_push_tail(&run->late, rescue_json_ref(event));
	write_late(run);
}

void
rescue_run_say(RescueRun *run, RescueJson *body)
{
	g_autoptr(RescueJson) owned = body;
	g_autoptr(RescueJson)
	    event = rescue_event_stamp(owned, ++run->seq, rescue_clock_wall_us(run->ports->clock),
				       run->job->id, run->job->ecid);

	run->said_us = rescue_run_now_us(run);
	journal(run, event);
	if (run->listener != NULL)
		run->listener(event, run->listener_data);
}

void
rescue_run_step(RescueRun *run, RescuePhase phase)
{
	if (run->step == phase)
		return;
	if (run->step != RESCUE_PHASE_LAST)
		rescue_run_say(run, rescue_event_step(run->step, false));
	run->step = phase;
	if (phase != RESCUE_PHASE_LAST)
		rescue_run_say(run, rescue_event_step(phase, true));
}

void
rescue_run_say_failure(RescueRun *run, const RescueVerdict *verdict)
{
	RescueJson *body = rescue_json_object_new();
	g_autoptr(RescueJson) judgement = rescue_verdict_to_json(verdict);

	rescue_json_set_string(body, "event", "failure");
	rescue_json_merge(body, judgement);
	rescue_json_take(body, "remedies", rescue_remedy_ladder_json(verdict->failure));
	rescue_json_set_string(body, "text", verdict->sentence);
	rescue_run_say(run, body);
}

/* how long it took, in words that tell of what is over; what the remedy knows of it itself stands behind */
static void
set_done(RescueRun *run, RescueRemedy remedy, RescueJson *body)
{
	int64_t us = rescue_run_now_us(run) - run->remedy_us;
	g_autofree char *past = rescue_remedy_tell_past(remedy, us / 1000);
	g_autofree char *did = run->did != NULL ? g_strdup_printf("%s; %s", past, run->did) : NULL;

	rescue_json_set_real(body, "seconds", (double)us / G_USEC_PER_SEC);
	rescue_json_set_string(body, "did", did != NULL ? did : past);
	g_clear_pointer(&run->did, g_free);
}

void
rescue_run_say_remedy(RescueRun *run, RescueRemedy remedy, const char *state, const char *outcome)
{
	const RescueRemedyInfo *info = rescue_remedy_info(remedy);
	RescueJson *body = rescue_json_object_new();

	rescue_json_set_string(body, "event", "remedy");
	rescue_json_set_string(body, "name", info->name);
	rescue_json_set_bool(body, "automatic", info->automatic);
	rescue_json_set_string(body, "text", info->text);
	rescue_json_set_string(body, "state", state);
	rescue_json_set_string(body, "outcome", outcome);
	if (outcome != NULL)
		set_done(run, remedy, body);
	else
		run->remedy_us = rescue_run_now_us(run);
	rescue_run_say(run, body);
}

/* After an update that broke in the restore system nobody knows; before that nothing was written. */
static const char *
data_word(const RescueRun *run, const RescueRunResult *result)
{
	if (run->erased)
		return "erased";
	if (!run->reached_restore || result->outcome == RESCUE_OUTCOME_RESTORED)
		return "untouched";
	return "unknown";
}

void
rescue_run_say_done(RescueRun *run, const RescueRunResult *result)
{
	RescueJson *body = rescue_json_object_new();

	rescue_json_set_string(body, "event", "done");
	rescue_json_set_string(body, "outcome", rescue_outcome_name(result->outcome));
	rescue_json_set_string(body, "data", data_word(run, result));
	if (result->failure != RESCUE_FAILURE_NONE)
		rescue_json_set_string(body, "failure", rescue_failure_info(result->failure)->name);
	rescue_json_set_int(body, "attempts", result->attempts);
	rescue_json_set_real(body, "seconds",
			     (double)(rescue_run_now_us(run) - run->started_us) / G_USEC_PER_SEC);
	rescue_json_set_string(body, "version", run->booted_version);
	rescue_json_set_string(body, "build", run->booted_build);
	rescue_json_set_string(body, "advice", result->advice);
	rescue_run_say(run, body);
}
