/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/line/supervisor-state.h"

#include "core/base/error.h"
#include "core/base/text.h"

#define MS            1000  /* microseconds */
#define MAX_STARTS    1u    /* in one turn: each takes tens of ms, and watchers want to be told */
#define NEXT_START_MS 5     /* to the next one */
#define AGAIN_MS      1000  /* after a process that was lost, doubled with each */
#define BUSY_MS       5000  /* after somebody else was found driving the phone */
#define JOURNAL_MS    2000  /* from one try to write the journal to the next */
#define FORGET_MS     60000 /* from one look at who can be forgotten to the next */
#define QUIET_MIN_MS  60000 /* a job says that it lives every half minute */
#define GUARDED_MS \
	INT64_C(7200000) /* no phone is flashed for so long: then the engine hangs, too */

static void
free_layout(RescueSupervisor *supervisor)
{
	rescue_layout_free(supervisor->layout);
	rescue_intake_free(supervisor->rules);
}

RescueSupervisor *
rescue_supervisor_new(const RescueSupervisorSpec *spec, RescueLayout *layout,
		      RescueIntakeRules *rules)
{
	RescueSupervisor *supervisor = g_new(RescueSupervisor, 1);

	*supervisor = (RescueSupervisor){
		.spec = *spec,
		.layout = layout,
		.rules = rules,
		.station = rescue_station_new(layout, rules),
		.pulses = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free),
		.late = G_QUEUE_INIT,
		.turns = g_ptr_array_new(),
		.renames = g_ptr_array_new_with_free_func(g_free),
	};
	return supervisor;
}

static void
free_line(void *line)
{
	rescue_json_free(line);
}

void
rescue_supervisor_free(RescueSupervisor *supervisor)
{
	if (supervisor == NULL)
		return;
	rescue_station_free(supervisor->station);
	free_layout(supervisor);
	g_hash_table_unref(supervisor->pulses);
	g_queue_clear_full(&supervisor->late, free_line);
	g_ptr_array_unref(supervisor->turns);
	g_ptr_array_unref(supervisor->renames);
	g_free(supervisor->trouble);
	g_free(supervisor);
}

RescueStation *
rescue_supervisor_station(RescueSupervisor *supervisor)
{
	return supervisor->station;
}

const GPtrArray *
rescue_supervisor_turns(const RescueSupervisor *supervisor)
{
	return supervisor->turns;
}

const char *
rescue_supervisor_trouble(const RescueSupervisor *supervisor)
{
	return supervisor->trouble;
}

int64_t
rescue_supervisor_now_us(const RescueSupervisor *supervisor)
{
	return rescue_clock_monotonic_us(supervisor->spec.ports.clock);
}

RescuePulse *
rescue_supervisor_pulse(RescueSupervisor *supervisor, RescueEcid ecid)
{
	RescuePulse *pulse = g_hash_table_lookup(supervisor->pulses, &ecid);

	if (pulse == NULL) {
		pulse = g_new0(RescuePulse, 1);
		g_hash_table_insert(supervisor->pulses, g_memdup2(&ecid, sizeof(ecid)), pulse);
	}
	return pulse;
}

/* what happens */

void
rescue_supervisor_see(RescueSupervisor *supervisor, const RescueDevice *device)
{
	rescue_station_see(supervisor->station, device, rescue_supervisor_now_us(supervisor));
	rescue_supervisor_flush(supervisor);
}

/* A process that goes on with a job is read from the beginning of its journal. */
static bool
was_heard(const RescueSupervisor *supervisor, RescueEcid ecid, const RescueJson *event)
{
	const RescueTicket *ticket = rescue_station_find(supervisor->station, ecid);
	int64_t seq = 0;

	return ticket != NULL && rescue_json_get_int(event, "seq", &seq) && seq > 0 &&
	       (uint64_t)seq <= ticket->heard &&
	       g_strcmp0(ticket->job, rescue_json_get_string(event, "job")) == 0;
}

bool
rescue_supervisor_job_event(RescueSupervisor *supervisor, RescueEcid ecid, const RescueJson *event)
{
	int64_t now_us = rescue_supervisor_now_us(supervisor);
	int64_t then_us = supervisor->replaying
			      ? rescue_supervisor_time_of(supervisor, event, now_us)
			      : now_us;

	rescue_supervisor_pulse(supervisor, ecid)->heard_us = now_us;
	if (was_heard(supervisor, ecid, event))
		return false;
	rescue_station_job_event(supervisor->station, event, then_us);
	rescue_supervisor_flush(supervisor);
	return true;
}

/* Its own last words tell more than that it is gone. */
static void
explain_loss(RescueSupervisor *supervisor, RescueEcid ecid, const char *words)
{
	const RescueTicket *ticket = rescue_station_find(supervisor->station, ecid);
	g_autofree char *why = NULL;

	if (ticket == NULL || words == NULL || words[0] == '\0')
		return;
	why = g_strdup_printf("%s Its last words: %s", ticket->why != NULL ? ticket->why : "",
			      words);
	rescue_station_set_why(supervisor->station, ecid, why);
}

void
rescue_supervisor_job_ended(RescueSupervisor *supervisor, RescueEcid ecid, const char *words)
{
	int64_t now_us = rescue_supervisor_now_us(supervisor);
	const RescueTicket *ticket = rescue_station_find(supervisor->station, ecid);
	RescuePulse *pulse = rescue_supervisor_pulse(supervisor, ecid);
	bool lost = ticket != NULL && ticket->alive;

	rescue_station_job_ended(supervisor->station, ecid, now_us);
	pulse->ending = false;
	if (lost) {
		pulse->again_us = now_us + ((int64_t)AGAIN_MS * MS << (ticket->losses - 1));
		explain_loss(supervisor, ecid, words);
	}
	rescue_supervisor_flush(supervisor);
}

void
rescue_supervisor_reload(RescueSupervisor *supervisor, RescueLayout *layout,
			 RescueIntakeRules *rules)
{
	int64_t now_us = rescue_supervisor_now_us(supervisor);
	RescueLayout *old_layout = supervisor->layout;
	RescueIntakeRules *old_rules = supervisor->rules;

	supervisor->layout = layout;
	supervisor->rules = rules;
	rescue_supervisor_rename_again(supervisor);
	rescue_station_set_layout(supervisor->station, layout, now_us);
	rescue_station_set_rules(supervisor->station, rules, now_us);
	rescue_layout_free(old_layout);
	rescue_intake_free(old_rules);
	rescue_supervisor_flush(supervisor);
}

void
rescue_supervisor_stop(RescueSupervisor *supervisor)
{
	supervisor->stopping = true;
}

unsigned
rescue_supervisor_count_running(const RescueSupervisor *supervisor)
{
	const GPtrArray *tickets = rescue_station_tickets(supervisor->station);
	unsigned running = 0;

	for (unsigned i = 0; i < tickets->len; i++) {
		const RescueTicket *ticket = g_ptr_array_index(tickets, i);
		running += ticket->alive;
	}
	return running;
}

/* what follows */

typedef struct {
	RescueSupervisor *supervisor;
	int64_t now_us, look_us;
	unsigned starts;
} Round;

static void
look_at(Round *round, int64_t at_us)
{
	round->look_us = MIN(round->look_us, at_us);
}

static void
wait_for(Round *round, RescueEcid ecid, const char *why, int64_t until_us)
{
	for (unsigned i = 0; i < round->supervisor->turns->len; i++) {
		RescueTurn *turn = g_ptr_array_index(round->supervisor->turns, i);
		if (turn->ecid != ecid)
			continue;
		turn->kind = RESCUE_TURN_WAIT;
		rescue_set_string(&turn->why, why);
	}
	look_at(round, until_us);
}

/* In the journal before it is done: what is started is known to whoever comes after us. */
static bool
announce(RescueSupervisor *supervisor, const RescueTicket *ticket, const char *job)
{
	g_autoptr(RescueJson)
	    line = rescue_station_describe_start(supervisor->station, ticket, job);

	return rescue_supervisor_write(supervisor, line);
}

static void
start_failed(Round *round, const RescueTicket *ticket, const GError *error)
{
	RescueSupervisor *supervisor = round->supervisor;
	RescueEcid ecid = ticket->device->ecid;

	if (error->code != RESCUE_ERROR_BUSY) {
		rescue_supervisor_job_ended(supervisor, ecid, error->message);
		look_at(round, rescue_supervisor_pulse(supervisor, ecid)->again_us);
		return;
	}
	rescue_station_job_interrupted(supervisor->station, ecid, round->now_us);
	rescue_supervisor_pulse(supervisor, ecid)->again_us = round->now_us + (int64_t)BUSY_MS * MS;
	wait_for(round, ecid, error->message, round->now_us + (int64_t)BUSY_MS * MS);
}

static void
start(Round *round, const RescueTicket *ticket)
{
	RescueSupervisor *supervisor = round->supervisor;
	const RescueLinePorts *ports = &supervisor->spec.ports;
	const RescueLimits *limits = &rescue_station_layout(supervisor->station)->limits;
	RescueLineJob job = {
		.ecid = ticket->device->ecid,
		.id = ticket->job,
		.behavior = ticket->behavior,
		.wish = &ticket->wish,
		.ipsw = ticket->ipsw,
		.policy = ticket->policy,
		.hold_ms = limits->hold_transfers ? limits->hold_limit_ms : 0,
	};
	g_autofree char *id = ports->jobs->name(ports->jobs_self, &job);
	g_autoptr(GError) error = NULL;

	if (!announce(supervisor, ticket, id)) {
		rescue_station_keep_again(supervisor->station, job.ecid);
		wait_for(round, job.ecid, supervisor->trouble,
			 round->now_us + (int64_t)JOURNAL_MS * MS);
		return;
	}
	round->starts++;
	job.id = id;
	rescue_supervisor_pulse(supervisor, job.ecid)->heard_us = round->now_us;
	rescue_station_started(supervisor->station, job.ecid, id, round->now_us);
	if (!ports->jobs->start(ports->jobs_self, &job, &error))
		start_failed(round, ticket, error);
}

static void
give_job(Round *round, const RescueTicket *ticket)
{
	RescueSupervisor *supervisor = round->supervisor;
	RescueEcid ecid = ticket->device->ecid;
	const RescuePulse *pulse = rescue_supervisor_pulse(supervisor, ecid);

	if (supervisor->stopping && !ticket->hurry)
		wait_for(round, ecid, "the line is being stopped: no job begins any more",
			 INT64_MAX);
	else if (round->now_us < pulse->again_us)
		wait_for(round, ecid, "it is tried again in a moment", pulse->again_us);
	else if (round->starts >= MAX_STARTS)
		wait_for(round, ecid, "others are being started",
			 round->now_us + (int64_t)NEXT_START_MS * MS);
	else
		start(round, ticket);
}

static void
give_turn(Round *round, const RescueTicket *ticket, const char *turn)
{
	const RescueLinePorts *ports = &round->supervisor->spec.ports;
	RescueEcid ecid = ticket->device->ecid;
	g_autoptr(GError) error = NULL;

	if (!ports->grants->grant(ports->grants_self, ticket->job, turn, ticket->turn, &error)) {
		wait_for(round, ecid, error->message, round->now_us + (int64_t)JOURNAL_MS * MS);
		return;
	}
	rescue_station_granted(round->supervisor->station, ecid, round->now_us);
}

static void
carry_out(Round *round, const RescueTurn *turn)
{
	const RescueTicket *ticket = rescue_station_find(round->supervisor->station, turn->ecid);

	if (ticket == NULL)
		return;
	switch (turn->kind) {
	case RESCUE_TURN_WAIT:
		return;
	case RESCUE_TURN_JOB:
		give_job(round, ticket);
		return;
	case RESCUE_TURN_ENGINE:
		give_turn(round, ticket, "engine");
		return;
	case RESCUE_TURN_TRANSFER:
		give_turn(round, ticket, "transfer");
		return;
	}
}

/*
 * A job that hangs says nothing any more. The engine is not in its group; while the phone is flashed by one, even a
 * job that hangs is let be, until it is clear that its engine hangs as well: only a job that lives ends that one.
 */
static void
check_pulse(Round *round, const RescueTicket *ticket)
{
	RescueSupervisor *supervisor = round->supervisor;
	const RescueLinePorts *ports = &supervisor->spec.ports;
	RescueEcid ecid = ticket->device->ecid;
	RescuePulse *pulse = rescue_supervisor_pulse(supervisor, ecid);
	int patience_ms = ports->jobs->patience_ms(ports->jobs_self, ticket->policy, ticket->phase);
	int64_t quiet_ms = MAX(patience_ms, QUIET_MIN_MS);
	int64_t until_us = pulse->heard_us + (quiet_ms + quiet_ms / 4) * MS;

	if (pulse->ending)
		return;
	if (round->now_us < until_us) {
		look_at(round, until_us);
		return;
	}
	if (round->now_us < until_us + GUARDED_MS * MS && rescue_phase_is_guarded(ticket->phase) &&
	    ports->jobs->has_engine(ports->jobs_self, ecid)) {
		look_at(round, round->now_us + (int64_t)QUIET_MIN_MS * MS);
		return;
	}
	if (supervisor->trouble != NULL) { /* what keeps us from writing keeps jobs from telling */
		pulse->heard_us = round->now_us;
		return;
	}
	pulse->ending = true;
	rescue_supervisor_report(supervisor,
				 "%s: its job has said nothing for %.0f s in ‘%s’: it is ended, "
				 "and another process goes on with it",
				 rescue_supervisor_label(supervisor, ticket),
				 (double)(round->now_us - pulse->heard_us) / G_USEC_PER_SEC,
				 rescue_phase_name(ticket->phase));
	ports->jobs->end(ports->jobs_self, ecid);
}

static void
check_pulses(Round *round)
{
	const GPtrArray *tickets = rescue_station_tickets(round->supervisor->station);

	for (unsigned i = 0; i < tickets->len; i++) {
		const RescueTicket *ticket = g_ptr_array_index(tickets, i);
		if (ticket->alive)
			check_pulse(round, ticket);
	}
}

static void
forget(Round *round)
{
	RescueSupervisor *supervisor = round->supervisor;

	if (round->now_us >= supervisor->forget_us) {
		rescue_station_forget(supervisor->station, round->now_us);
		supervisor->forget_us = round->now_us + (int64_t)FORGET_MS * MS;
	}
	look_at(round, supervisor->forget_us);
}

static void
carry_out_all(Round *round)
{
	int64_t look_us = INT64_MAX;
	GPtrArray *turns = rescue_schedule(round->supervisor->station, round->now_us, &look_us);

	g_ptr_array_unref(round->supervisor->turns);
	round->supervisor->turns = turns;
	look_at(round, look_us);
	for (unsigned i = 0; i < turns->len; i++)
		carry_out(round, g_ptr_array_index(turns, i));
}

int64_t
rescue_supervisor_turn(RescueSupervisor *supervisor)
{
	Round round = {
		.supervisor = supervisor,
		.now_us = rescue_supervisor_now_us(supervisor),
		.look_us = INT64_MAX,
	};

	forget(&round);
	look_at(&round, rescue_station_settle(supervisor->station, round.now_us));
	check_pulses(&round);
	rescue_supervisor_flush(supervisor);
	carry_out_all(&round);
	rescue_supervisor_flush(supervisor);
	if (supervisor->trouble != NULL)
		look_at(&round, round.now_us + (int64_t)JOURNAL_MS * MS);
	return round.look_us;
}
