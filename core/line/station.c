/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/line/bench.h"

#include <string.h>

#include "core/base/text.h"

#define ANSWER_OVER 1                     /* it did not say */
#define ANSWER_US   (20 * G_USEC_PER_SEC) /* an agent gets six seconds, and a second try */

static void
free_ticket(void *data)
{
	RescueTicket *ticket = data;

	rescue_device_free(ticket->device);
	rescue_wish_clear(&ticket->wish);
	g_free(ticket->scan);
	g_free(ticket->why);
	g_free(ticket->prompt);
	g_free(ticket->rule);
	g_free(ticket->ipsw);
	g_free(ticket->policy);
	g_free(ticket->job);
	g_free(ticket);
}

static void
clear_port(void *data)
{
	RescueBenchPort *port = data;

	g_free(port->scan);
}

static void
free_line(void *data)
{
	rescue_json_free(data);
}

GPtrArray *
rescue_bench_new_lines(void)
{
	return g_ptr_array_new_with_free_func(free_line);
}

static void
free_bus(void *data)
{
	rescue_usb_bus_free(data);
}

RescueStation *
rescue_station_new(const RescueLayout *layout, const RescueIntakeRules *rules)
{
	RescueStation *station = g_new(RescueStation, 1);

	*station = (RescueStation){
		.layout = layout,
		.rules = rules,
		.buses = g_ptr_array_new_with_free_func(free_bus),
		.tickets = g_ptr_array_new_with_free_func(free_ticket),
		.ports = g_array_new(FALSE, TRUE, sizeof(RescueBenchPort)),
		.health = rescue_health_new(),
		.reports = g_ptr_array_new_with_free_func(g_free),
		.measured = g_hash_table_new_full(NULL, NULL, NULL, g_free),
		.lines = rescue_bench_new_lines(),
		.kept = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free),
	};
	g_array_set_clear_func(station->ports, clear_port);
	g_array_set_size(station->ports, layout->ports->len);
	return station;
}

void
rescue_station_free(RescueStation *station)
{
	if (station == NULL)
		return;
	g_ptr_array_unref(station->buses);
	g_ptr_array_unref(station->tickets);
	g_array_unref(station->ports);
	rescue_health_free(station->health);
	g_ptr_array_unref(station->reports);
	g_hash_table_unref(station->measured);
	g_ptr_array_unref(station->lines);
	g_hash_table_unref(station->kept);
	g_free(station);
}

void
rescue_station_take_buses(RescueStation *station, GPtrArray *buses)
{
	g_ptr_array_unref(station->buses);
	station->buses = buses;
	for (unsigned i = 0; i < station->tickets->len; i++) {
		RescueTicket *ticket = g_ptr_array_index(station->tickets, i);
		ticket->domain = rescue_bench_find_domain(station, ticket);
	}
}

const GPtrArray *
rescue_station_buses(const RescueStation *station)
{
	return station->buses;
}

const RescueLayout *
rescue_station_layout(const RescueStation *station)
{
	return station->layout;
}

const GPtrArray *
rescue_station_tickets(const RescueStation *station)
{
	return station->tickets;
}

const RescueHealth *
rescue_station_health(const RescueStation *station)
{
	return station->health;
}

char **
rescue_station_take_reports(RescueStation *station)
{
	GPtrArray *taken = station->reports;

	station->reports = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_set_free_func(taken, NULL);
	g_ptr_array_add(taken, NULL);
	return (char **)g_ptr_array_free(taken, FALSE);
}

RescueTicket *
rescue_bench_find(const RescueStation *station, RescueEcid ecid)
{
	for (unsigned i = 0; ecid != 0 && i < station->tickets->len; i++) {
		RescueTicket *ticket = g_ptr_array_index(station->tickets, i);
		if (ticket->device->ecid == ecid)
			return ticket;
	}
	return NULL;
}

const RescueTicket *
rescue_station_find(const RescueStation *station, RescueEcid ecid)
{
	return rescue_bench_find(station, ecid);
}

/* By ECID; by UDID while one of the two has none. */
static RescueTicket *
find_device(const RescueStation *station, const RescueDevice *device)
{
	RescueTicket *ticket = rescue_bench_find(station, device->ecid);

	for (unsigned i = 0; ticket == NULL && device->udid != NULL && i < station->tickets->len;
	     i++) {
		RescueTicket *other = g_ptr_array_index(station->tickets, i);
		bool maybe = other->device->ecid == 0 || device->ecid == 0;
		if (maybe && g_strcmp0(other->device->udid, device->udid) == 0)
			ticket = other;
	}
	return ticket;
}

/* A phone that restarts is off the bus for a while: as long as its job runs, the slot is still its own. */
static bool
holds_slot(const RescueTicket *ticket)
{
	return ticket->present || ticket->alive;
}

RescueTicket *
rescue_bench_at(const RescueStation *station, size_t port)
{
	RescueTicket *found = NULL;

	for (unsigned i = 0; port != RESCUE_PORT_NONE && i < station->tickets->len; i++) {
		RescueTicket *ticket = g_ptr_array_index(station->tickets, i);
		if (ticket->port != port || !holds_slot(ticket))
			continue;
		if (found == NULL || ticket->present)
			found = ticket;
	}
	return found;
}

const RescueTicket *
rescue_station_phone(const RescueStation *station, size_t port)
{
	return rescue_bench_at(station, port);
}

RescueSlotState
rescue_station_slot(const RescueStation *station, size_t port)
{
	const RescueTicket *ticket = rescue_bench_at(station, port);

	if (ticket != NULL)
		return ticket->state;
	if (port >= station->ports->len)
		return RESCUE_SLOT_EMPTY;
	if (rescue_bench_is_condemned(station, port))
		return RESCUE_SLOT_QUARANTINED;
	return g_array_index(station->ports, RescueBenchPort, port).held ? RESCUE_SLOT_PARKED
									 : RESCUE_SLOT_EMPTY;
}

static void
forget(RescueStation *station, RescueTicket *ticket)
{
	rescue_bench_keep_gone(station, ticket);
	(void)g_ptr_array_remove(station->tickets, ticket);
}

static void
take_verdict(RescueTicket *ticket, const RescueIntakeVerdict *verdict)
{
	rescue_set_string(&ticket->rule, verdict->rule);
	rescue_set_string(&ticket->ipsw, verdict->ipsw);
	rescue_set_string(&ticket->policy, verdict->policy);
	ticket->behavior = verdict->behavior;
	rescue_wish_clear(&ticket->wish);
	if (verdict->wish != NULL) {
		ticket->wish.latest = verdict->wish->latest;
		ticket->wish.beta = verdict->wish->beta;
		ticket->wish.version = g_strdup(verdict->wish->version);
		ticket->wish.build = g_strdup(verdict->wish->build);
	}
	g_clear_pointer(&ticket->job, g_free);
	rescue_set_string(&ticket->prompt, verdict->say);
	ticket->prompt_us = 0;
	ticket->attempt = 0;
	ticket->failure = RESCUE_FAILURE_NONE;
	ticket->losses = 0;
	ticket->counted = 0;
	ticket->hurry = false;
	ticket->stage = RESCUE_STAGE_NONE;
}

static void
ask_rules(RescueStation *station, RescueTicket *ticket, int64_t now_us)
{
	static const RescueSlotEvent events[] = {
		[RESCUE_INTAKE_JOB] = RESCUE_SLOT_EVENT_RULE_JOB,
		[RESCUE_INTAKE_HOLD] = RESCUE_SLOT_EVENT_RULE_HOLD,
		[RESCUE_INTAKE_ASK] = RESCUE_SLOT_EVENT_RULE_ASK,
	};
	RescueIntakeFacts facts = {
		.device = ticket->device,
		.port = rescue_bench_label(station, ticket->port),
		.scan = ticket->scan,
		.ownership = ticket->ownership,
	};
	g_auto(RescueIntakeVerdict) verdict = { 0 };

	if (ticket->device->ecid == 0) {
		rescue_set_string(&ticket->why, "it has not told yet which phone it is (ECID)");
		return;
	}
	rescue_intake_decide(station->rules, &facts, &verdict);
	take_verdict(ticket, &verdict);
	if (verdict.action == RESCUE_INTAKE_NOTHING)
		rescue_set_string(&ticket->why, verdict.why);
	else
		(void)rescue_bench_fire(station, ticket, events[verdict.action],
					g_strdup(verdict.why), now_us);
}

/*
 * What runs iOS is asked who and whose it is as soon as it appears: what the rules make of a phone that nobody has
 * asked would be about another one.
 */
static bool
is_being_asked(RescueTicket *ticket, int64_t now_us)
{
	if (ticket->device->mode != RESCUE_MODE_UNKNOWN)
		ticket->answer_us = 0;
	else if (ticket->answer_us == 0)
		ticket->answer_us = now_us + ANSWER_US;
	return now_us < ticket->answer_us;
}

int64_t
rescue_station_settle(RescueStation *station, int64_t now_us)
{
	int64_t next_us = INT64_MAX;

	for (unsigned i = 0; i < station->tickets->len; i++) {
		RescueTicket *ticket = g_ptr_array_index(station->tickets, i);
		if (ticket->answer_us <= ANSWER_OVER || ticket->state != RESCUE_SLOT_IDENTIFIED)
			continue;
		if (now_us < ticket->answer_us) {
			next_us = MIN(next_us, ticket->answer_us);
			continue;
		}
		ticket->answer_us = ANSWER_OVER;
		rescue_bench_settle(station, ticket, now_us);
	}
	return next_us;
}

void
rescue_bench_settle(RescueStation *station, RescueTicket *ticket, int64_t now_us)
{
	if (!ticket->present || ticket->port >= station->ports->len)
		return;
	if (rescue_bench_is_condemned(station, ticket->port)) {
		(void)rescue_bench_fire(station, ticket, RESCUE_SLOT_EVENT_CONDEMNED,
					ticket->state <= RESCUE_SLOT_QUEUED
					    ? g_strdup(
						  "this port is out of use: plug the phone into "
						  "another one")
					    : NULL,
					now_us);
		return;
	}
	if (ticket->state != RESCUE_SLOT_IDENTIFIED)
		return;
	if (is_being_asked(ticket, now_us)) {
		rescue_set_string(&ticket->why, "it is being asked which phone it is");
		return;
	}
	if (g_array_index(station->ports, RescueBenchPort, ticket->port).held)
		(void)rescue_bench_fire(station, ticket, RESCUE_SLOT_EVENT_HELD,
					g_strdup("this port is held: release it first"), now_us);
	else
		ask_rules(station, ticket, now_us);
}

static void
leave(RescueStation *station, RescueTicket *ticket, int64_t now_us)
{
	if (!ticket->present)
		return;
	ticket->present = false;
	ticket->left_us = now_us;
	ticket->answer_us = 0;
	ticket->touched = true;
	ticket->device->mode = RESCUE_MODE_ABSENT;
	if (rescue_bench_fire(station, ticket, RESCUE_SLOT_EVENT_LEFT, NULL, now_us) &&
	    ticket->state == RESCUE_SLOT_EMPTY)
		forget(station, ticket);
}

RescueTicket *
rescue_bench_new_ticket(RescueStation *station)
{
	RescueTicket *ticket = g_new0(RescueTicket, 1);

	ticket->device = rescue_device_new();
	ticket->port = RESCUE_PORT_NONE;
	g_ptr_array_add(station->tickets, ticket);
	return ticket;
}

/* A phone that failed may try another port, unless it is to blame itself. */
static RescueSlotEvent
arrival(const RescueStation *station, const RescueTicket *ticket, size_t port)
{
	g_auto(RescuePhoneHealth) phone = { 0 };

	if (ticket->port == RESCUE_PORT_NONE || ticket->port == port)
		return RESCUE_SLOT_EVENT_SEEN;
	if (ticket->state != RESCUE_SLOT_FAILED)
		return RESCUE_SLOT_EVENT_MOVED;
	rescue_health_judge_phone(station->health, ticket->device->ecid, &phone);
	return phone.blamed ? RESCUE_SLOT_EVENT_SEEN : RESCUE_SLOT_EVENT_MOVED;
}

/* The news of its leaving may come after that of the next one's coming. */
static void
make_room(RescueStation *station, size_t port, const RescueTicket *ticket, int64_t now_us)
{
	RescueTicket *other = rescue_bench_at(station, port);

	if (other != NULL && other != ticket)
		leave(station, other, now_us);
}

static void
arrive(RescueStation *station, RescueTicket *ticket, size_t port, int64_t now_us)
{
	RescueBenchPort *entry = &g_array_index(station->ports, RescueBenchPort, port);
	RescueSlotEvent event = arrival(station, ticket, port);

	if (ticket->port != port)
		ticket->troubled = false;
	ticket->touched |= ticket->port != port || !ticket->present;
	ticket->present = true;
	ticket->port = port;
	ticket->domain = rescue_bench_find_domain(station, ticket);
	if (entry->scan != NULL) {
		g_free(ticket->scan);
		ticket->scan = g_steal_pointer(&entry->scan);
		ticket->touched = true;
		rescue_bench_keep_port(station, port);
	}
	(void)rescue_bench_fire(station, ticket, event, NULL, now_us);
	rescue_bench_settle(station, ticket, now_us);
}

/* Nothing has begun: what is known now may change what the rules say. */
static void
reconsider(RescueStation *station, RescueTicket *ticket, int64_t now_us)
{
	bool asked = ticket->state == RESCUE_SLOT_QUEUED ||
		     ticket->state == RESCUE_SLOT_NEEDS_OPERATOR;

	if (ticket->job != NULL || !ticket->present)
		return;
	if (asked)
		(void)rescue_bench_fire(station, ticket, RESCUE_SLOT_EVENT_RELEASED, NULL, now_us);
	if (ticket->state == RESCUE_SLOT_IDENTIFIED)
		rescue_bench_settle(station, ticket, now_us);
}

/* What the phone says of its owner; true: it is news. */
static bool
take_owner(RescueTicket *ticket, const RescueDevice *device)
{
	RescueOwnership before = ticket->ownership;

	if (!device->owner.asked)
		return false;
	ticket->ownership = rescue_intake_ownership(device);
	return memcmp(&before, &ticket->ownership, sizeof(before)) != 0;
}

void
rescue_station_see(RescueStation *station, const RescueDevice *device, int64_t now_us)
{
	RescueTicket *ticket = find_device(station, device);
	size_t port = rescue_layout_find_place(station->layout, device->place.port, station->buses);
	bool news;

	if (device->mode == RESCUE_MODE_ABSENT) {
		if (ticket != NULL)
			leave(station, ticket, now_us);
		return;
	}
	if (device->place.port == NULL && ticket != NULL && ticket->present)
		port = ticket->port; /* usbmuxd knows no ports: it is where it was */
	if (port == RESCUE_PORT_NONE) {
		if (ticket != NULL && device->place.port != NULL)
			leave(station, ticket, now_us);
		return;
	}
	make_room(station, port, ticket, now_us);
	ticket = ticket != NULL ? ticket : rescue_bench_new_ticket(station);
	rescue_device_update(ticket->device, device);
	news = take_owner(ticket, device);
	arrive(station, ticket, port, now_us);
	if (news)
		reconsider(station, ticket, now_us);
}

static void
resettle(RescueStation *station, RescueTicket *ticket, const char *label, int64_t now_us)
{
	size_t port = label != NULL ? rescue_layout_find_label(station->layout, label)
				    : RESCUE_PORT_NONE;

	ticket->port = port;
	ticket->touched = true;
	if (port == RESCUE_PORT_NONE)
		leave(station, ticket, now_us);
	else
		ticket->domain = rescue_bench_find_domain(station, ticket);
}

/* By label: held ports and waiting numbers move with it. */
static GArray *
carry_ports(const RescueStation *station, const RescueLayout *layout)
{
	GArray *ports = g_array_new(FALSE, TRUE, sizeof(RescueBenchPort));

	g_array_set_clear_func(ports, clear_port);
	g_array_set_size(ports, layout->ports->len);
	for (unsigned i = 0; i < station->ports->len; i++) {
		RescueBenchPort *from = &g_array_index(station->ports, RescueBenchPort, i);
		size_t to = rescue_layout_find_label(layout, rescue_bench_label(station, i));
		if (to == RESCUE_PORT_NONE)
			continue;
		g_array_index(ports, RescueBenchPort, to) = *from;
		*from = (RescueBenchPort){ 0 };
	}
	return ports;
}

void
rescue_station_set_layout(RescueStation *station, const RescueLayout *layout, int64_t now_us)
{
	g_autoptr(GPtrArray) labels = g_ptr_array_new_with_free_func(g_free);
	GArray *ports = carry_ports(station, layout);

	for (unsigned i = 0; i < station->tickets->len; i++) {
		const RescueTicket *ticket = g_ptr_array_index(station->tickets, i);
		const RescuePort *port = rescue_layout_port(station->layout, ticket->port);
		g_ptr_array_add(labels, g_strdup(port != NULL ? port->label : NULL));
	}
	g_array_unref(station->ports);
	station->ports = ports;
	station->layout = layout;
	for (unsigned i = labels->len; i-- > 0;) /* backwards: one that nobody remembers goes */
		resettle(station, g_ptr_array_index(station->tickets, i),
			 g_ptr_array_index(labels, i), now_us);
}

void
rescue_station_set_why(RescueStation *station, RescueEcid ecid, const char *why)
{
	RescueTicket *ticket = rescue_bench_find(station, ecid);

	if (ticket == NULL)
		return;
	rescue_set_string(&ticket->why, why);
	ticket->touched = true;
}

RescueHealth *
rescue_station_edit_health(RescueStation *station)
{
	return station->health;
}

void
rescue_station_set_rules(RescueStation *station, const RescueIntakeRules *rules, int64_t now_us)
{
	station->rules = rules;
	for (unsigned i = 0; i < station->tickets->len; i++)
		reconsider(station, g_ptr_array_index(station->tickets, i), now_us);
}

void
rescue_station_forget(RescueStation *station, int64_t now_us)
{
	for (unsigned i = station->tickets->len; i-- > 0;) {
		RescueTicket *ticket = g_ptr_array_index(station->tickets, i);
		int64_t until_us = ticket->left_us + station->layout->limits.remember_ms * 1000;
		if (!ticket->present && !ticket->alive && now_us >= until_us)
			forget(station, ticket);
	}
}
