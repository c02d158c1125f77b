/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/line/bench.h"

#include <string.h>

#include "core/base/text.h"

/*
 * What a station has to know when its daemon is started again, as lines of its journal: `phone` and `port`, of which
 * the last one counts, and `outcome`, `condemned` and `retested` for health, which count in their order.
 */

static const char *const kinds[] = { "port", "cable", "hub" };
G_STATIC_ASSERT(G_N_ELEMENTS(kinds) == RESCUE_PLACE_LAST);

static RescueJson *
new_line(const char *name)
{
	RescueJson *line = rescue_json_object_new();

	rescue_json_set_string(line, "event", name);
	return line;
}

void
rescue_bench_keep_outcome(RescueStation *station, const RescueTicket *ticket,
			  const RescueRestoreOutcome *outcome)
{
	RescueJson *line = new_line("outcome");
	char text[RESCUE_ECID_TEXT];

	rescue_json_set_string(line, "ecid", rescue_ecid_format(outcome->ecid, text));
	rescue_json_set_string(line, "job", ticket->job);
	rescue_json_set_int(line, "seq_of_job", (int64_t)ticket->heard);
	for (int i = 0; i < RESCUE_PLACE_LAST; i++)
		rescue_json_set_string(line, kinds[i], outcome->names[i]);
	rescue_json_set_bool(line, "failed", outcome->failed);
	g_ptr_array_add(station->lines, line);
}

void
rescue_bench_keep_verdict(RescueStation *station, const char *event, RescuePlaceKind kind,
			  const char *name)
{
	RescueJson *line = new_line(event);

	rescue_json_set_string(line, "kind", kinds[kind]);
	rescue_json_set_string(line, "name", name);
	g_ptr_array_add(station->lines, line);
}

void
rescue_bench_keep_port(RescueStation *station, size_t port)
{
	const RescueBenchPort *entry = &g_array_index(station->ports, RescueBenchPort, port);
	RescueJson *line = new_line("port");

	rescue_json_set_string(line, "label", rescue_bench_label(station, port));
	rescue_json_set_bool(line, "held", entry->held);
	rescue_json_set_string(line, "scan", entry->scan);
	g_ptr_array_add(station->lines, line);
}

/* What follows from the sightings of the next start anyway is not kept. */
static bool
is_worth_keeping(const RescueTicket *ticket)
{
	switch (ticket->state) {
	case RESCUE_SLOT_EMPTY:
	case RESCUE_SLOT_IDENTIFIED:
	case RESCUE_SLOT_QUARANTINED:
		return false;
	case RESCUE_SLOT_QUEUED:
		return ticket->job != NULL;
	default:
		return true;
	}
}

static void
write_work(const RescueTicket *ticket, RescueJson *line)
{
	rescue_json_set_string(line, "rule", ticket->rule);
	if (ticket->behavior != RESCUE_BEHAVIOR_UNSAID)
		rescue_json_set_string(line, "behavior", rescue_behavior_name(ticket->behavior));
	rescue_json_set_string(line, "ipsw", ticket->ipsw);
	if (ticket->wish.latest)
		rescue_json_set_bool(line, "latest", true);
	if (ticket->wish.beta)
		rescue_json_set_bool(line, "beta", true);
	rescue_json_set_string(line, "version", ticket->wish.version);
	rescue_json_set_string(line, "build", ticket->wish.build);
	rescue_json_set_string(line, "policy", ticket->policy);
	rescue_json_set_string(line, "job", ticket->job);
	rescue_json_set_bool(line, "alive", ticket->alive);
	rescue_json_set_int(line, "losses", ticket->losses);
	rescue_json_set_bool(line, "troubled", ticket->troubled);
	rescue_json_set_int(line, "counted", (int64_t)ticket->counted);
}

static RescueJson *
describe_briefly(const RescueTicket *ticket)
{
	RescueJson *line = new_line("phone");
	char text[RESCUE_ECID_TEXT];

	rescue_json_set_string(line, "ecid", rescue_ecid_format(ticket->device->ecid, text));
	rescue_json_set_string(line, "state", rescue_slot_state_name(ticket->state));
	return line;
}

static void
describe_fully(const RescueStation *station, const RescueTicket *ticket, RescueJson *line)
{
	if (ticket->port != RESCUE_PORT_NONE)
		rescue_json_set_string(line, "port", rescue_bench_label(station, ticket->port));
	/* with its job it comes and goes */
	rescue_json_set_bool(line, "present", ticket->present || ticket->alive);
	rescue_json_set_string(line, "udid", ticket->device->udid);
	rescue_json_set_string(line, "product", ticket->device->product);
	rescue_json_set_string(line, "serial", ticket->device->serial);
	rescue_json_set_string(line, "scan", ticket->scan);
	rescue_json_set_string(line, "why", ticket->why);
	write_work(ticket, line);
}

static RescueJson *
describe(const RescueStation *station, const RescueTicket *ticket)
{
	RescueJson *line = describe_briefly(ticket);

	if (is_worth_keeping(ticket))
		describe_fully(station, ticket, line);
	return line;
}

static void
set_kept(RescueStation *station, const RescueTicket *ticket, const RescueJson *line)
{
	RescueEcid *key = g_memdup2(&ticket->device->ecid, sizeof(ticket->device->ecid));

	g_hash_table_replace(station->kept, key, rescue_json_dump(line));
}

RescueJson *
rescue_station_describe_start(RescueStation *station, const RescueTicket *ticket, const char *job)
{
	RescueTicket started = *ticket; /* borrows everything */
	RescueJson *line;

	started.state = RESCUE_SLOT_RUNNING;
	started.job = (char *)job;
	started.alive = true;
	if (g_strcmp0(ticket->job, job) != 0) {
		started.troubled = false;
		started.counted = 0;
	}
	line = describe(station, &started);
	set_kept(station, ticket, line);
	return line;
}

void
rescue_station_keep_again(RescueStation *station, RescueEcid ecid)
{
	RescueTicket *ticket = rescue_bench_find(station, ecid);

	(void)g_hash_table_remove(station->kept, &ecid);
	if (ticket != NULL)
		ticket->touched = true;
}

void
rescue_station_touch_port(RescueStation *station, const char *label)
{
	size_t port = rescue_layout_find_label(station->layout, label);

	for (unsigned i = 0; i < station->tickets->len; i++) {
		RescueTicket *ticket = g_ptr_array_index(station->tickets, i);
		ticket->touched |= ticket->port == port;
	}
	if (port != RESCUE_PORT_NONE)
		rescue_bench_keep_port(station, port);
}

static void
keep_phone(RescueStation *station, RescueTicket *ticket)
{
	g_autoptr(RescueJson) line = describe(station, ticket);
	g_autofree char *text = rescue_json_dump(line);
	const char *before = g_hash_table_lookup(station->kept, &ticket->device->ecid);

	ticket->touched = false;
	if (before != NULL ? strcmp(before, text) == 0 : !is_worth_keeping(ticket))
		return;
	g_ptr_array_add(station->lines, rescue_json_ref(line));
	set_kept(station, ticket, line);
}

void
rescue_bench_keep_gone(RescueStation *station, const RescueTicket *ticket)
{
	RescueJson *line;
	char text[RESCUE_ECID_TEXT];

	if (!g_hash_table_remove(station->kept, &ticket->device->ecid))
		return;
	line = new_line("phone");
	rescue_json_set_string(line, "ecid", rescue_ecid_format(ticket->device->ecid, text));
	rescue_json_set_string(line, "state", rescue_slot_state_name(RESCUE_SLOT_EMPTY));
	g_ptr_array_add(station->lines, line);
}

GPtrArray *
rescue_station_take_lines(RescueStation *station)
{
	GPtrArray *taken;

	for (unsigned i = 0; i < station->tickets->len; i++) {
		RescueTicket *ticket = g_ptr_array_index(station->tickets, i);
		if (ticket->touched && ticket->device->ecid != 0)
			keep_phone(station, ticket);
	}
	taken = station->lines;
	station->lines = rescue_bench_new_lines();
	return taken;
}

/* and back */

static void
recall_work(RescueTicket *ticket, const RescueJson *line)
{
	const char *behavior = rescue_json_get_string(line, "behavior");

	rescue_set_string(&ticket->rule, rescue_json_get_string(line, "rule"));
	rescue_set_string(&ticket->ipsw, rescue_json_get_string(line, "ipsw"));
	rescue_set_string(&ticket->policy, rescue_json_get_string(line, "policy"));
	rescue_set_string(&ticket->job, rescue_json_get_string(line, "job"));
	rescue_wish_clear(&ticket->wish);
	ticket->wish.latest = rescue_json_get_bool(line, "latest", false);
	ticket->wish.beta = rescue_json_get_bool(line, "beta", false);
	ticket->wish.version = g_strdup(rescue_json_get_string(line, "version"));
	ticket->wish.build = g_strdup(rescue_json_get_string(line, "build"));
	ticket->behavior = g_strcmp0(behavior, "erase") == 0    ? RESCUE_BEHAVIOR_ERASE
			   : g_strcmp0(behavior, "update") == 0 ? RESCUE_BEHAVIOR_UPDATE
								: RESCUE_BEHAVIOR_UNSAID;
	ticket->losses = (unsigned)rescue_json_get_count(line, "losses");
	ticket->troubled = rescue_json_get_bool(line, "troubled", false);
	ticket->counted = MAX(ticket->counted, rescue_json_get_count(line, "counted"));
}

static bool
read_ecid(const RescueJson *line, RescueEcid *ret_ecid)
{
	const char *text = rescue_json_get_string(line, "ecid");

	return text != NULL && rescue_ecid_parse(text, ret_ecid, NULL);
}

static void
recall_phone(RescueStation *station, const RescueJson *line, int64_t then_us, int64_t now_us)
{
	const char *word = rescue_json_get_string(line, "state");
	RescueTicket *ticket = NULL;
	RescueEcid ecid;
	RescueSlotState state;

	if (!read_ecid(line, &ecid) || word == NULL || !rescue_slot_state_parse(word, &state))
		return;
	ticket = rescue_bench_find(station, ecid);
	if (rescue_json_get(line, "present") == NULL) { /* not worth keeping any more */
		if (ticket != NULL)
			(void)g_ptr_array_remove(station->tickets, ticket);
		return;
	}
	ticket = ticket != NULL ? ticket : rescue_bench_new_ticket(station);
	ticket->device->ecid = ecid;
	rescue_set_string(&ticket->device->udid, rescue_json_get_string(line, "udid"));
	rescue_set_string(&ticket->device->product, rescue_json_get_string(line, "product"));
	rescue_set_string(&ticket->device->serial, rescue_json_get_string(line, "serial"));
	rescue_set_string(&ticket->scan, rescue_json_get_string(line, "scan"));
	rescue_set_string(&ticket->why, rescue_json_get_string(line, "why"));
	ticket->port = rescue_layout_find_label(station->layout,
						rescue_json_get_string(line, "port"));
	/* what it sends goes over that bus, whether it has been seen there by now or not */
	ticket->domain = rescue_bench_find_domain(station, ticket);
	recall_work(ticket, line);
	/* whether its process runs is not known yet: whoever looks says that it was started, or not */
	ticket->state = rescue_json_get_bool(line, "alive", false) ? RESCUE_SLOT_QUEUED : state;
	ticket->since_us = then_us;
	/* one that was here may be so still: only from now on it counts as gone */
	ticket->left_us = rescue_json_get_bool(line, "present", false) ? now_us : then_us;
}

static void
recall_port(RescueStation *station, const RescueJson *line, int64_t then_us, int64_t now_us)
{
	size_t port = rescue_layout_find_label(station->layout,
					       rescue_json_get_string(line, "label"));
	RescueBenchPort *entry;

	if (port == RESCUE_PORT_NONE)
		return;
	entry = &g_array_index(station->ports, RescueBenchPort, port);
	entry->held = rescue_json_get_bool(line, "held", false);
	rescue_set_string(&entry->scan, rescue_json_get_string(line, "scan"));
}

static void
recall_outcome(RescueStation *station, const RescueJson *line, int64_t then_us, int64_t now_us)
{
	RescueRestoreOutcome outcome = { .failed = rescue_json_get_bool(line, "failed", false) };
	RescueTicket *ticket;

	if (!read_ecid(line, &outcome.ecid))
		return;
	for (int i = 0; i < RESCUE_PLACE_LAST; i++)
		outcome.names[i] = rescue_json_get_string(line, kinds[i]);
	rescue_health_add(station->health, &outcome);
	ticket = rescue_bench_find(station, outcome.ecid);
	if (ticket == NULL || g_strcmp0(ticket->job, rescue_json_get_string(line, "job")) != 0)
		return;
	ticket->counted = MAX(ticket->counted, rescue_json_get_count(line, "seq_of_job"));
	ticket->troubled |= outcome.failed;
}

static bool
read_kind(const RescueJson *line, RescuePlaceKind *ret_kind)
{
	const char *word = rescue_json_get_string(line, "kind");

	for (int i = 0; i < RESCUE_PLACE_LAST; i++) {
		if (g_strcmp0(word, kinds[i]) != 0)
			continue;
		*ret_kind = i;
		return rescue_json_get_string(line, "name") != NULL;
	}
	return false;
}

static void
recall_condemned(RescueStation *station, const RescueJson *line, int64_t then_us, int64_t now_us)
{
	RescuePlaceKind kind;

	if (read_kind(line, &kind))
		rescue_health_condemn(station->health, kind, rescue_json_get_string(line, "name"));
}

static void
recall_retested(RescueStation *station, const RescueJson *line, int64_t then_us, int64_t now_us)
{
	RescuePlaceKind kind;

	if (read_kind(line, &kind))
		rescue_health_retest(station->health, kind, rescue_json_get_string(line, "name"));
}

void
rescue_station_recall(RescueStation *station, const RescueJson *line, int64_t then_us,
		      int64_t now_us)
{
	static const struct {
		const char *event;
		void (*recall)(RescueStation *station, const RescueJson *line, int64_t then_us,
			       int64_t now_us);
	} readers[] = {
		{ "phone", recall_phone },       { "port", recall_port },
		{ "outcome", recall_outcome },   { "condemned", recall_condemned },
		{ "retested", recall_retested },
	};
	const char *event = rescue_json_get_string(line, "event");

	for (size_t i = 0; i < G_N_ELEMENTS(readers); i++) {
		if (g_strcmp0(event, readers[i].event) == 0)
			readers[i].recall(station, line, then_us, now_us);
	}
}

void
rescue_station_recalled(RescueStation *station)
{
	for (unsigned i = 0; i < station->tickets->len; i++) {
		const RescueTicket *ticket = g_ptr_array_index(station->tickets, i);
		g_autoptr(RescueJson) line = describe(station, ticket);
		set_kept(station, ticket, line);
	}
}
