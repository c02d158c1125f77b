/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/fake/torture-state.h"

#include "core/base/error.h"

#define MS      1000 /* microseconds */
#define HOUR_MS 3600000

typedef enum {
	NONE = 0,
	REMEDY = 1 << 0,
	ENTER = 1 << 1,
	DOWNLOAD = 1 << 2,
	VERIFY = 1 << 3,
	ENDING = 1 << 4,
	NOTE = 1 << 5,
	SAID = 1 << 6,
	UNUSED = 1 << 7,
} Intent;

static const struct {
	const char *name;
	RescueFailure error, crash;
	int64_t ms;
	int intent;
} slots[] = {
#define RESCUE_TORTURE_PORT(port, type)
#define RESCUE_TORTURE_END(port, type)
#define RESCUE_TORTURE_SLOT(port, slot, on_error, on_crash, seconds, before)     \
	[RESCUE_TORTURE_##port##_##slot] = { .name = #port "." #slot,            \
					     .error = RESCUE_FAILURE_##on_error, \
					     .crash = RESCUE_FAILURE_##on_crash, \
					     .ms = (seconds)*1000,               \
					     .intent = before },
#include "tests/fake/torture.def"
#undef RESCUE_TORTURE_PORT
#undef RESCUE_TORTURE_SLOT
#undef RESCUE_TORTURE_END
};

static const char *const fault_names[] = { "error", "crash", "timeout", "nothing" };

void
rescue_torture_breach(RescueTorture *torture, const char *rule, const char *detail)
{
	if (torture->breach == NULL && !torture->dead)
		torture->breach = g_strdup_printf("%s%s%s", rule, detail != NULL ? ": " : "",
						  detail != NULL ? detail : "");
}

static void
read_pair(const RescueJson *event, const char *name, const char *word, bool *ret_open)
{
	if (g_strcmp0(rescue_json_get_string(event, "event"), name) == 0)
		*ret_open = g_strcmp0(rescue_json_get_string(event, "state"), word) == 0;
}

static void
read_step(RescueTortureReader *reader, const RescueJson *event)
{
	bool begins = false;

	read_pair(event, "step", "begin", &begins);
	g_clear_pointer(&reader->step, g_free);
	if (begins)
		reader->step = g_strdup(rescue_json_get_string(event, "phase"));
}

void
rescue_torture_read(RescueTortureReader *reader, const RescueJson *event)
{
	const char *name = rescue_json_get_string(event, "event");
	int64_t seq = 0;

	(void)rescue_json_get_int(event, "seq", &seq);
	reader->gap |= reader->seq != 0 && seq != reader->seq + 1;
	reader->disorder |= seq <= reader->seq;
	reader->seq = seq;
	reader->after_done |= reader->done;
	g_free(reader->last);
	reader->last = g_strdup(name);
	if (g_str_equal(name, "step"))
		read_step(reader, event);
	read_pair(event, "remedy", "begin", &reader->remedy);
	reader->ending |= g_str_equal(name, "ending");
	if (g_str_equal(name, "engine"))
		reader->ending = false;
	reader->done |= g_str_equal(name, "done");
}

static bool
is_in_step(const RescueTortureReader *reader, const char *phase)
{
	return g_strcmp0(reader->step, phase) == 0;
}

static bool
is_announced(const RescueTorture *torture, int intent)
{
	const RescueTortureReader *reader = intent & SAID ? &torture->told : &torture->journal;

	return ((intent & REMEDY) != 0 && reader->remedy) ||
	       ((intent & ENTER) != 0 && is_in_step(reader, "enter-recovery")) ||
	       ((intent & DOWNLOAD) != 0 && is_in_step(reader, "download")) ||
	       ((intent & VERIFY) != 0 && is_in_step(reader, "verify-firmware")) ||
	       ((intent & ENDING) != 0 && reader->ending) ||
	       ((intent & NOTE) != 0 && g_strcmp0(torture->told.last, "note") == 0);
}

static bool
is_due(const RescueTorture *torture, RescueTortureSlot slot)
{
	const RescueTortureSpec *spec = &torture->spec;
	unsigned call = torture->calls[slot];

	return spec->fault != RESCUE_TORTURE_NOTHING && spec->slot == slot && call >= spec->first &&
	       (spec->last == 0 || call <= spec->last);
}

RescueTortureFault
rescue_torture_strike(RescueTorture *torture, RescueTortureSlot slot)
{
	if (torture->dead)
		return RESCUE_TORTURE_ERROR;
	torture->calls[slot]++;
	if (slots[slot].intent == UNUSED)
		rescue_torture_breach(torture, "a call that no job makes", slots[slot].name);
	else if (slots[slot].intent != NONE && !is_announced(torture, slots[slot].intent))
		rescue_torture_breach(torture, "done before it is in the journal",
				      slots[slot].name);
	if (!is_due(torture, slot))
		return RESCUE_TORTURE_NOTHING;
	torture->struck = true;
	if (torture->spec.fault == RESCUE_TORTURE_TIMEOUT) {
		torture->lost_us += slots[slot].ms * MS;
		rescue_torture_pass(torture, slots[slot].ms);
	}
	return torture->spec.fault;
}

bool
rescue_torture_fail(RescueTortureSlot slot, RescueTortureFault fault, GError **error)
{
	RescueFailure failure = fault == RESCUE_TORTURE_CRASH ? slots[slot].crash
							      : slots[slot].error;

	g_set_error(error, RESCUE_ERROR, (gint)failure, "%s was made to fail (%s)",
		    slots[slot].name, fault_names[fault]);
	return false;
}

RescueObservation *
rescue_torture_look(RescueTorture *torture, int64_t deadline_us)
{
	for (;;) {
		RescueObservation *seen = torture->real.inbox->next(torture->real.inbox_self,
								    deadline_us);
		bool ends = seen->kind == RESCUE_OBSERVED_EXIT;
		if (!torture->mute || (!ends && seen->kind != RESCUE_OBSERVED_LINE)) {
			torture->engine_runs &= !ends;
			return seen;
		}
		rescue_observation_free(seen);
	}
}

void
rescue_torture_pass(RescueTorture *torture, int64_t ms)
{
	int64_t until_us = rescue_clock_monotonic_us(torture->real.clock) + ms * MS;

	for (;;) {
		RescueObservation *seen = rescue_torture_look(torture, until_us);
		if (seen->kind == RESCUE_OBSERVED_DEADLINE) {
			rescue_observation_free(seen);
			return;
		}
		g_queue_push_tail(&torture->pending, seen);
	}
}

void
rescue_torture_check_job(RescueTorture *torture, RescueEcid ecid, RescueBehavior behavior)
{
	if (ecid != torture->ecid)
		rescue_torture_breach(torture, "a call for another phone", NULL);
	if (behavior != torture->behavior)
		rescue_torture_breach(torture, "no consent to this",
				      rescue_behavior_name(behavior));
}

void
rescue_torture_die(RescueTorture *torture)
{
	g_autoptr(RescueDevice)
	    phone = torture->real.devices->find(torture->real.devices_self, torture->ecid);

	torture->last_mode = phone->mode;
	torture->dead = true;
}

static int64_t
now_us(void *self)
{
	const RescueTorture *torture = self;

	return rescue_clock_monotonic_us(torture->real.clock) + torture->ghost_us;
}

static int64_t
wall_us(void *self)
{
	return rescue_clock_wall_us(((RescueTorture *)self)->real.clock);
}

static void
moment(void *self, RescueMoment *ret_moment)
{
	rescue_clock_moment(((RescueTorture *)self)->real.clock, ret_moment);
}

static void
on_event(const RescueJson *event, void *data)
{
	RescueTorture *torture = data;

	rescue_torture_read(&torture->told, event);
	if (!torture->dead && g_strcmp0(torture->told.last, "done") == 0) {
		g_free(torture->outcome);
		torture->outcome = g_strdup(rescue_json_get_string(event, "outcome"));
	}
}

static void
wrap(RescueRunSpec *spec, RescuePorts *ports, void *data)
{
	RescueTorture *torture = data;

	spec->listener = on_event;
	spec->data = torture;
	torture->ecid = spec->job->ecid;
	torture->journal.seq = torture->told.seq = spec->resume != NULL ? (int64_t)spec->resume->seq
									: 0;
	rescue_torture_take_ports(torture, ports);
	torture->started_us = now_us(torture);
	if (spec->resume != NULL)
		torture->started_us -= spec->resume->spent_ms * MS;
}

RescueTorture *
rescue_torture_new(RescueWorld *world, const RescueTortureSpec *spec, RescueBehavior behavior)
{
	RescueTorture *torture = g_new0(RescueTorture, 1);

	torture->spec = *spec;
	torture->behavior = behavior;
	torture->policy = rescue_world_policy(world);
	torture->clock = (RescueClock){ now_us, wall_us, torture, moment };
	torture->events = g_ptr_array_new_with_free_func((GDestroyNotify)rescue_json_free);
	torture->last_mode = RESCUE_MODE_ABSENT;
	rescue_world_wraps(world, wrap, torture);
	return torture;
}

static void
free_observation(gpointer observation)
{
	rescue_observation_free(observation);
}

static void
clear_reader(RescueTortureReader *reader)
{
	g_free(reader->step);
	g_free(reader->last);
}

void
rescue_torture_free(RescueTorture *torture)
{
	if (torture == NULL)
		return;
	g_queue_clear_full(&torture->pending, free_observation);
	g_ptr_array_unref(torture->events);
	clear_reader(&torture->journal);
	clear_reader(&torture->told);
	g_free(torture->outcome);
	g_free(torture->breach);
	g_free(torture);
}

const char *
rescue_torture_slot_name(RescueTortureSlot slot)
{
	return slots[slot].name;
}

bool
rescue_torture_slot_is_used(RescueTortureSlot slot)
{
	return slots[slot].intent != UNUSED;
}

const char *
rescue_torture_fault_name(RescueTortureFault fault)
{
	return fault_names[fault];
}

unsigned
rescue_torture_count(const RescueTorture *torture, RescueTortureSlot slot)
{
	return torture->calls[slot];
}

bool
rescue_torture_struck(const RescueTorture *torture)
{
	return torture->struck;
}

/* What the contract says of each end: the exit status, or -1: that of its failure, which it then has to name. */
static const struct {
	RescueOutcome outcome;
	const char *name;
	int exit_status;
} ends[] = {
	{ RESCUE_OUTCOME_RESTORED, "restored", 0 },
	{ RESCUE_OUTCOME_RESTORED_UNCONFIRMED, "restored-unconfirmed", 75 },
	{ RESCUE_OUTCOME_GAVE_UP, "gave-up", -1 },
	{ RESCUE_OUTCOME_NEEDS_OPERATOR, "needs-operator", 75 },
	{ RESCUE_OUTCOME_CANCELLED, "cancelled", 130 },
};

static bool
is_documented_status(int status)
{
	static const int documented[] = { 1, 3, 10, 11, 12, 13, 14, 75 };

	for (size_t i = 0; i < G_N_ELEMENTS(documented); i++)
		if (documented[i] == status)
			return true;
	return false;
}

static void
judge_outcome(RescueTorture *torture, const RescueRunResult *result)
{
	for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
		if (ends[i].outcome != result->outcome)
			continue;
		if (g_strcmp0(torture->outcome, ends[i].name) != 0)
			rescue_torture_breach(torture, "done tells another end", torture->outcome);
		if (ends[i].exit_status >= 0 ? result->exit_status != ends[i].exit_status
					     : !is_documented_status(result->exit_status))
			rescue_torture_breach(torture, "the exit status is not that of its end",
					      ends[i].name);
		if (ends[i].exit_status < 0 &&
		    (result->failure == RESCUE_FAILURE_NONE || result->advice == NULL))
			rescue_torture_breach(torture, "it does not say why, or what to do",
					      ends[i].name);
		return;
	}
	rescue_torture_breach(torture, "an end that the contract does not know", NULL);
}

static void
judge_journal(RescueTorture *torture, const RescueRunResult *result)
{
	if (!torture->told.done || torture->told.after_done)
		rescue_torture_breach(torture, "done is not the last event", torture->told.last);
	/* progress is told, and not kept, while the disk is full */
	if (torture->told.gap || torture->told.disorder || torture->journal.disorder)
		rescue_torture_breach(torture, "the events are not numbered one by one", NULL);
	if (result->trouble == NULL && (!torture->journal.done || torture->journal.after_done))
		rescue_torture_breach(torture, "the journal lacks its end, and nobody is told",
				      torture->journal.last);
}

/* the phone's own word; a fault at the very end does not change where it is */
static void
judge_phone(RescueTorture *torture, const RescueRunResult *result)
{
	g_autoptr(RescueDevice)
	    phone = torture->real.devices->find(torture->real.devices_self, torture->ecid);

	if (result->outcome == RESCUE_OUTCOME_RESTORED && phone->mode != RESCUE_MODE_NORMAL)
		rescue_torture_breach(torture, "called restored, and it does not run iOS",
				      rescue_mode_name(phone->mode));
	if (torture->busy)
		rescue_torture_breach(torture, "the phone is left marked as busy", NULL);
	if (torture->engine_runs && result->failure != RESCUE_FAILURE_ENGINE_STUCK)
		rescue_torture_breach(torture, "an engine is left behind", NULL);
}

/* the policy's time, the engine run that was on when it ended, and what the calls themselves took */
static void
judge_time(RescueTorture *torture)
{
	int64_t spent_ms =
	    (now_us(torture) - torture->started_us - torture->lost_us - torture->ghost_us) / MS;

	if (spent_ms > torture->policy->deadline_ms + torture->policy->boot_ms + HOUR_MS)
		rescue_torture_breach(torture, "it goes on after its deadline", NULL);
}

const char *
rescue_torture_judge(RescueTorture *torture, const RescueRunResult *result)
{
	if (torture->dead)
		return torture->breach;
	judge_outcome(torture, result);
	judge_journal(torture, result);
	judge_phone(torture, result);
	judge_time(torture);
	return torture->breach;
}

bool
rescue_torture_supervisor_died(const RescueTorture *torture)
{
	return torture->dead;
}

const GPtrArray *
rescue_torture_journal(const RescueTorture *torture)
{
	return torture->events;
}

RescueMode
rescue_torture_last_mode(const RescueTorture *torture)
{
	return torture->last_mode;
}

bool
rescue_torture_engine_lives(const RescueTorture *torture)
{
	return torture->engine_runs;
}
