/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/line/bench.h"

#include <string.h>

#include "core/base/text.h"
#include "core/model/phase.h"

static void
set_stage(RescueTicket *ticket, RescueStage stage, int64_t now_us)
{
	if (ticket->stage == stage)
		return;
	ticket->stage = stage;
	ticket->stage_us = now_us;
	if (stage < RESCUE_STAGE_SENDING)
		ticket->sent_bytes = 0;
	ticket->sent_us = now_us;
}

static const char *
hub_of(const RescueStation *station, const RescuePort *port, char **ret_owned)
{
	const RescueUsbPlace *place = &g_array_index(port->places, RescueUsbPlace, 0);
	const RescueHub *nearest = NULL;

	for (unsigned i = 0; i < station->layout->hubs->len; i++) {
		const RescueHub *hub = g_ptr_array_index(station->layout->hubs, i);
		if (rescue_usb_place_is_at_or_below(place, &hub->place, station->buses) &&
		    (nearest == NULL || hub->place.depth > nearest->place.depth))
			nearest = hub;
	}
	if (nearest == NULL)
		return NULL;
	*ret_owned = nearest->label != NULL ? g_strdup(nearest->label)
					    : rescue_usb_place_format(&nearest->place);
	return *ret_owned;
}

bool
rescue_bench_is_condemned(const RescueStation *station, size_t port)
{
	const RescuePort *entry = rescue_layout_port(station->layout, port);
	g_autofree char *hub = NULL;

	if (entry == NULL)
		return false;
	(void)hub_of(station, entry, &hub);
	return rescue_health_is_condemned(station->health, RESCUE_PLACE_PORT, entry->label) ||
	       rescue_health_is_condemned(station->health, RESCUE_PLACE_CABLE, entry->cable) ||
	       rescue_health_is_condemned(station->health, RESCUE_PLACE_HUB, hub);
}

static void
judge(RescueStation *station, RescuePlaceKind kind, const char *name)
{
	g_auto(RescuePlaceHealth) place = { 0 };

	if (name == NULL || rescue_health_is_condemned(station->health, kind, name))
		return;
	rescue_health_judge(station->health, kind, name, &place);
	if (place.standing != RESCUE_STANDING_GOOD)
		rescue_bench_report(station, g_strdup(place.sentence));
	if (place.standing != RESCUE_STANDING_BAD)
		return;
	rescue_health_condemn(station->health, kind, name);
	rescue_bench_keep_verdict(station, "condemned", kind, name);
}

void
rescue_bench_count(RescueStation *station, RescueTicket *ticket, bool failed, int64_t now_us)
{
	const RescuePort *port = rescue_layout_port(station->layout, ticket->port);
	g_autofree char *hub = NULL;
	RescueRestoreOutcome outcome = { .ecid = ticket->device->ecid, .failed = failed };

	/* what was counted before the daemon was started again is only heard again */
	if (port == NULL || (ticket->heard != 0 && ticket->heard <= ticket->counted))
		return;
	ticket->counted = ticket->heard;
	ticket->touched = true;
	outcome.names[RESCUE_PLACE_PORT] = port->label;
	outcome.names[RESCUE_PLACE_CABLE] = port->cable;
	outcome.names[RESCUE_PLACE_HUB] = hub_of(station, port, &hub);
	if (!failed && ticket->troubled) /* the phone passed, but not without trouble here */
		memset(outcome.names, 0, sizeof(outcome.names));
	rescue_health_add(station->health, &outcome);
	rescue_bench_keep_outcome(station, ticket, &outcome);
	ticket->troubled |= failed;
	for (int i = 0; failed && i < RESCUE_PLACE_LAST; i++)
		judge(station, i, outcome.names[i]);
	for (unsigned i = 0; failed && i < station->tickets->len; i++) {
		RescueTicket *other = g_ptr_array_index(station->tickets, i);
		if (other->present && rescue_bench_is_condemned(station, other->port))
			rescue_bench_settle(station, other, now_us);
	}
}

static RescueStage
stage_of(RescuePhase phase)
{
	if (phase <= RESCUE_PHASE_PERSONALIZE)
		return RESCUE_STAGE_PREPARING;
	if (phase < RESCUE_PHASE_FILESYSTEM)
		return RESCUE_STAGE_BOOTING;
	return phase == RESCUE_PHASE_FILESYSTEM ? RESCUE_STAGE_SENDING : RESCUE_STAGE_AFTER;
}

/* Reads what a step or progress event is about. */
static void
read_phase(RescueTicket *ticket, const RescueJson *event, int64_t now_us)
{
	const char *name = rescue_json_get_string(event, "phase");

	RescueStage stage;

	if (name == NULL || !rescue_phase_parse(name, &ticket->phase))
		return;
	(void)rescue_json_get_real(event, "fraction", &ticket->fraction);
	stage = stage_of(ticket->phase);
	/* the image's step begins with what the phone does by itself; who holds its engine asks before it sends */
	if (stage == RESCUE_STAGE_SENDING && ticket->stage == RESCUE_STAGE_BOOTING &&
	    ticket->needs.holds && ticket->fraction <= 0)
		return;
	/* an engine looks for its phone before it feeds its boot loaders: it is on its way all the same */
	if (stage != RESCUE_STAGE_PREPARING || ticket->stage != RESCUE_STAGE_BOOTING)
		set_stage(ticket, stage, now_us);
}

static void
on_step(RescueStation *station, RescueTicket *ticket, const RescueJson *event, int64_t now_us)
{
	if (g_strcmp0(rescue_json_get_string(event, "state"), "begin") != 0)
		return;
	ticket->fraction = 0;
	read_phase(ticket, event, now_us);
	(void)rescue_bench_fire(station, ticket, RESCUE_SLOT_EVENT_WORKED, NULL, now_us);
}

static uint64_t
get_bytes(const RescueJson *event, const char *key)
{
	int64_t bytes = 0;

	(void)rescue_json_get_int(event, key, &bytes); /* stays 0 */
	return (uint64_t)MAX(bytes, 0);
}

static void
on_progress(RescueStation *station, RescueTicket *ticket, const RescueJson *event, int64_t now_us)
{
	int64_t bytes;

	read_phase(ticket, event, now_us);
	if (ticket->stage == RESCUE_STAGE_SENDING) {
		double share = CLAMP(ticket->fraction, 0, 1);
		ticket->sent_bytes = (uint64_t)(share * (double)ticket->needs.image_bytes);
		if (rescue_json_get_int(event, "bytes", &bytes) && bytes >= 0)
			ticket->sent_bytes = (uint64_t)bytes;
		/* of an engine that was adopted nobody has told before */
		if (ticket->needs.image_bytes == 0)
			ticket->needs.image_bytes = get_bytes(event, "total");
		ticket->sent_us = now_us;
	}
	(void)rescue_bench_fire(station, ticket, RESCUE_SLOT_EVENT_WORKED, NULL, now_us);
}

static void
on_attempt(RescueStation *station, RescueTicket *ticket, const RescueJson *event, int64_t now_us)
{
	int64_t number;

	if (rescue_json_get_int(event, "number", &number))
		ticket->attempt = (unsigned)CLAMP(number, 0, G_MAXINT);
	(void)rescue_bench_fire(station, ticket, RESCUE_SLOT_EVENT_WORKED, NULL, now_us);
}

/* Granted, or tired of waiting: it does what it waited for. */
static void
go_on(RescueStation *station, RescueTicket *ticket, int64_t now_us)
{
	if (ticket->stage == RESCUE_STAGE_READY) {
		set_stage(ticket, RESCUE_STAGE_BOOTING, now_us);
		ticket->phase = RESCUE_PHASE_UNKNOWN; /* its boot loaders are ahead of it */
		station->engine_us = now_us;
	} else if (ticket->stage == RESCUE_STAGE_ARRIVED) {
		set_stage(ticket, RESCUE_STAGE_SENDING, now_us);
	}
}

static void
read_needs(RescueTicket *ticket, const RescueJson *event)
{
	ticket->needs = (RescueNeeds){
		.image_bytes = get_bytes(event, "image_bytes"),
		.scratch_bytes = get_bytes(event, "scratch_bytes"),
		.old_engine = rescue_json_get_bool(event, "old_engine", false),
		.holds = rescue_json_get_bool(event, "holds", false),
	};
}

/*
 * The job waits until it may go on: {"event": "turn", "turn": "engine"|"transfer", "state": "begin"}, and says with
 * "end" that it does, whether it was granted or nobody answered.
 */
static void
on_turn(RescueStation *station, RescueTicket *ticket, const RescueJson *event, int64_t now_us)
{
	const char *turn = rescue_json_get_string(event, "turn");

	int64_t number = 0;

	(void)rescue_json_get_int(event, "number", &number); /* stays 0 */
	ticket->turn = (unsigned)CLAMP(number, 0, G_MAXINT);
	if (g_strcmp0(rescue_json_get_string(event, "state"), "end") == 0) {
		go_on(station, ticket, now_us);
		return;
	}
	if (g_strcmp0(turn, "engine") == 0) {
		read_needs(ticket, event);
		set_stage(ticket, RESCUE_STAGE_READY, now_us);
	}
	if (g_strcmp0(turn, "transfer") == 0)
		set_stage(ticket, RESCUE_STAGE_ARRIVED, now_us);
	(void)rescue_bench_fire(station, ticket, RESCUE_SLOT_EVENT_WORKED, NULL, now_us);
}

static void
on_operator(RescueStation *station, RescueTicket *ticket, const RescueJson *event, int64_t now_us)
{
	const char *instruction = rescue_json_get_string(event, "instruction");
	int64_t deadline_s = 0;

	(void)rescue_json_get_int(event, "deadline", &deadline_s);
	deadline_s = CLAMP(deadline_s, 0, G_MAXINT);
	rescue_set_string(&ticket->prompt, instruction);
	ticket->prompt_us = deadline_s > 0 ? now_us + deadline_s * G_USEC_PER_SEC : 0;
	(void)rescue_bench_fire(station, ticket, RESCUE_SLOT_EVENT_PROMPTED,
				g_strdup(instruction ? instruction : "look at the phone"), now_us);
}

static void
on_failure(RescueStation *station, RescueTicket *ticket, const RescueJson *event, int64_t now_us)
{
	const char *name = rescue_json_get_string(event, "failure");
	RescueFailure failure;

	if (name == NULL || !rescue_failure_parse(name, &failure))
		return;
	ticket->failure = failure;
	rescue_set_string(&ticket->why, rescue_json_get_string(event, "text"));
	ticket->touched = true;
	set_stage(ticket, RESCUE_STAGE_PREPARING,
		  now_us); /* its bus is free, until it asks again */
	if (rescue_health_counts(failure) && !ticket->troubled)
		rescue_bench_count(station, ticket, true, now_us);
}

static char *
describe_end(RescueStation *station, RescueTicket *ticket, const char *advice)
{
	g_auto(RescuePhoneHealth) phone = { 0 };

	if (!ticket->troubled)
		return g_strdup(advice);
	rescue_health_judge_phone(station->health, ticket->device->ecid, &phone);
	return advice != NULL ? g_strdup_printf("%s; %s", advice, phone.sentence)
			      : g_strdup(phone.sentence);
}

/* "15.0 (19A346)", as it was seen to run. Caller frees. */
static char *
describe_restored(const RescueJson *event)
{
	const char *version = rescue_json_get_string(event, "version");
	const char *build = rescue_json_get_string(event, "build");

	return version != NULL && build != NULL
		   ? g_strdup_printf("it was restored and runs %s (%s)", version, build)
		   : g_strdup("it was restored and has booted");
}

static void
on_done(RescueStation *station, RescueTicket *ticket, const RescueJson *event, int64_t now_us)
{
	static const struct {
		const char *outcome;
		RescueSlotEvent event;
	} ends[] = {
		{ "restored", RESCUE_SLOT_EVENT_RESTORED },
		{ "restored-unconfirmed", RESCUE_SLOT_EVENT_UNCLEAR },
		{ "needs-operator", RESCUE_SLOT_EVENT_UNCLEAR },
		{ "gave-up", RESCUE_SLOT_EVENT_GAVE_UP },
		{ "cancelled", RESCUE_SLOT_EVENT_CANCELLED },
	};
	const char *outcome = rescue_json_get_string(event, "outcome");

	for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
		bool restored = ends[i].event == RESCUE_SLOT_EVENT_RESTORED;
		if (g_strcmp0(outcome, ends[i].outcome) != 0)
			continue;
		ticket->alive = false;
		g_clear_pointer(&ticket->prompt, g_free);
		set_stage(ticket, RESCUE_STAGE_NONE, now_us);
		if (restored)
			rescue_bench_count(station, ticket, false, now_us);
		(void)rescue_bench_fire(station, ticket, ends[i].event,
					restored
					    ? describe_restored(event)
					    : describe_end(station, ticket,
							   rescue_json_get_string(event, "advice")),
					now_us);
		return;
	}
	rescue_bench_report(station, g_strdup_printf("%s: its job ended as ‘%s’, which is no end "
						     "that a line knows: ignored",
						     rescue_bench_label(station, ticket->port),
						     outcome != NULL ? outcome : ""));
}

static const struct {
	const char *name;
	void (*take)(RescueStation *station, RescueTicket *ticket, const RescueJson *event,
		     int64_t now_us);
} handlers[] = {
	{ "step", on_step }, { "progress", on_progress }, { "attempt", on_attempt },
	{ "turn", on_turn }, { "operator", on_operator }, { "failure", on_failure },
	{ "done", on_done },
};

/* The phone whose running job says this, or NULL after a report. */
static RescueTicket *
speaker(RescueStation *station, const RescueJson *event)
{
	const char *text = rescue_json_get_string(event, "ecid");
	const char *job = rescue_json_get_string(event, "job");
	RescueTicket *ticket = NULL;
	RescueEcid ecid;

	if (text != NULL && rescue_ecid_parse(text, &ecid, NULL))
		ticket = rescue_bench_find(station, ecid);
	if (ticket != NULL && ticket->alive && g_strcmp0(ticket->job, job) == 0)
		return ticket;
	rescue_bench_report(station, g_strdup_printf("an event of job ‘%s’, which does not run "
						     "here: ignored",
						     job != NULL ? job : ""));
	return NULL;
}

void
rescue_station_job_event(RescueStation *station, const RescueJson *event, int64_t now_us)
{
	const char *name = rescue_json_get_string(event, "event");
	RescueTicket *ticket = speaker(station, event);
	RescueStage before = ticket != NULL ? ticket->stage : RESCUE_STAGE_NONE;
	int64_t since_us = ticket != NULL ? ticket->stage_us : 0;

	if (ticket != NULL)
		ticket->heard = rescue_json_get_count(event, "seq");
	for (size_t i = 0; ticket != NULL && i < G_N_ELEMENTS(handlers); i++) {
		if (g_strcmp0(name, handlers[i].name) == 0)
			handlers[i].take(station, ticket, event, now_us);
	}
	if (ticket != NULL)
		rescue_bench_measure(station, ticket, before, since_us, now_us);
}

void
rescue_station_started(RescueStation *station, RescueEcid ecid, const char *job, int64_t now_us)
{
	RescueTicket *ticket = rescue_bench_find(station, ecid);

	if (ticket == NULL ||
	    !rescue_bench_fire(station, ticket, RESCUE_SLOT_EVENT_STARTED, NULL, now_us))
		return;
	if (g_strcmp0(ticket->job, job) != 0) {
		ticket->troubled = false;
		ticket->counted = 0;
		ticket->heard = 0;
	}
	rescue_set_string(&ticket->job, job);
	ticket->alive = true;
	ticket->hurry = false;
	ticket->needs.holds = false; /* until it says so */
	set_stage(ticket, RESCUE_STAGE_PREPARING, now_us);
}

void
rescue_station_granted(RescueStation *station, RescueEcid ecid, int64_t now_us)
{
	RescueTicket *ticket = rescue_bench_find(station, ecid);

	RescueStage before;
	int64_t since_us;

	if (ticket == NULL || !ticket->alive)
		return;
	before = ticket->stage;
	since_us = ticket->stage_us;
	go_on(station, ticket, now_us);
	rescue_bench_measure(station, ticket, before, since_us, now_us);
}

void
rescue_station_job_interrupted(RescueStation *station, RescueEcid ecid, int64_t now_us)
{
	RescueTicket *ticket = rescue_bench_find(station, ecid);

	if (ticket == NULL || !ticket->alive)
		return;
	ticket->alive = false;
	ticket->hurry = true;
	set_stage(ticket, RESCUE_STAGE_NONE, now_us);
	(void)rescue_bench_fire(station, ticket, RESCUE_SLOT_EVENT_LOST,
				g_strdup("it was interrupted; it goes on where it was"), now_us);
}

void
rescue_station_job_ended(RescueStation *station, RescueEcid ecid, int64_t now_us)
{
	RescueTicket *ticket = rescue_bench_find(station, ecid);

	if (ticket == NULL || !ticket->alive)
		return; /* it has said how it ended */
	ticket->alive = false;
	ticket->hurry = true;
	set_stage(ticket, RESCUE_STAGE_NONE, now_us);
	if (++ticket->losses < RESCUE_STATION_LOSSES)
		(void)rescue_bench_fire(station, ticket, RESCUE_SLOT_EVENT_LOST,
					g_strdup(
					    "its process ended without a word; it goes on where "
					    "it was"),
					now_us);
	else
		(void)rescue_bench_fire(station, ticket, RESCUE_SLOT_EVENT_GAVE_UP,
					g_strdup(
					    "its process ended without a word again and again; "
					    "see its journal"),
					now_us);
}
