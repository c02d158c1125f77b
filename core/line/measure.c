/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/line/bench.h"

#include <math.h>

#define WINDOW_US      (20 * G_USEC_PER_SEC) /* one measurement of a bus */
#define FIRST_LEAD_US  (60.0 * G_USEC_PER_SEC)
#define FIRST_SPREAD   (10.0 * G_USEC_PER_SEC)
#define NEWER          0.2
#define USB2_RATE      38e6 /* bytes a second: usable are 35 to 42 of the 60 MB/s on the wire */
#define USB3_RATE      400e6
#define USB2_MBIT      480
#define ROOT_PORT_BITS 8

unsigned
rescue_bench_find_domain(const RescueStation *station, const RescueTicket *ticket)
{
	const RescuePort *port = rescue_layout_port(station->layout, ticket->port);
	g_auto(RescueUsbPlace) place = { 0 };
	const RescueUsbBus *bus;
	unsigned root = 0, number;

	if (!rescue_usb_place_parse(ticket->device->place.port, &place, NULL) &&
	    (port == NULL || !rescue_usb_place_parse(port->at[0], &place, NULL)))
		return 0;
	bus = rescue_usb_bus_of(&place, station->buses);
	number = bus != NULL ? bus->number : place.bus;
	if (bus != NULL &&
	    rescue_layout_controller(station->layout, bus->controller)->root_ports_independent)
		root = place.chain[0];
	return number << ROOT_PORT_BITS | root;
}

static double
nominal_rate(const RescueStation *station, unsigned domain)
{
	RescueUsbPlace place = { .bus = domain >> ROOT_PORT_BITS };
	const RescueUsbBus *bus = rescue_usb_bus_of(&place, station->buses);

	return bus != NULL && bus->speed_mbit > USB2_MBIT ? USB3_RATE : USB2_RATE;
}

RescueBenchBus
rescue_bench_known_bus(const RescueStation *station, unsigned domain)
{
	const RescueBenchBus *known = g_hash_table_lookup(station->measured,
							  GUINT_TO_POINTER(domain));
	RescueBenchBus bus = { .lead_us = FIRST_LEAD_US, .spread_us = FIRST_SPREAD };

	if (known != NULL)
		return *known;
	rescue_capacity_init(&bus.capacity, nominal_rate(station, domain),
			     station->layout->limits.transfers);
	return bus;
}

static RescueBenchBus *
get_bus(RescueStation *station, unsigned domain)
{
	void *key = GUINT_TO_POINTER(domain);
	RescueBenchBus *bus = g_hash_table_lookup(station->measured, key);

	if (bus == NULL) {
		bus = g_new(RescueBenchBus, 1);
		*bus = rescue_bench_known_bus(station, domain);
		g_hash_table_insert(station->measured, key, bus);
	}
	return bus;
}

static bool
sends(const RescueTicket *ticket, unsigned domain)
{
	return ticket->stage == RESCUE_STAGE_SENDING && ticket->domain == domain;
}

/*
 * Bytes a second of all together, each by its own clock: jobs tell their progress at different times. 0: one of them
 * has said nothing since its mark.
 */
static double
add_rates(const RescueStation *station, unsigned domain)
{
	double sum = 0;

	for (unsigned i = 0; i < station->tickets->len; i++) {
		const RescueTicket *ticket = g_ptr_array_index(station->tickets, i);
		if (!sends(ticket, domain))
			continue;
		if (ticket->sent_us <= ticket->mark_us || ticket->sent_bytes < ticket->mark_bytes)
			return 0;
		sum += (double)(ticket->sent_bytes - ticket->mark_bytes) * G_USEC_PER_SEC /
		       (double)(ticket->sent_us - ticket->mark_us);
	}
	return sum;
}

static RescueBenchWindow
open_window(RescueStation *station, unsigned domain, int64_t now_us)
{
	RescueBenchWindow window = { .since_us = now_us };

	for (unsigned i = 0; i < station->tickets->len; i++) {
		RescueTicket *ticket = g_ptr_array_index(station->tickets, i);
		if (!sends(ticket, domain))
			continue;
		window.senders++;
		window.who ^= ticket->device->ecid;
		ticket->mark_bytes = ticket->sent_bytes;
		ticket->mark_us = ticket->sent_us;
	}
	return window;
}

static bool
is_same_company(const RescueStation *station, unsigned domain, const RescueBenchWindow *window)
{
	unsigned senders = 0;
	uint64_t who = 0;

	for (unsigned i = 0; i < station->tickets->len; i++) {
		const RescueTicket *ticket = g_ptr_array_index(station->tickets, i);
		if (!sends(ticket, domain))
			continue;
		senders++;
		who ^= ticket->device->ecid;
	}
	return senders == window->senders && who == window->who;
}

static void
measure_bus(RescueStation *station, unsigned domain, int64_t now_us)
{
	RescueBenchBus *bus = get_bus(station, domain);
	bool same = is_same_company(station, domain, &bus->window);

	if (same && now_us - bus->window.since_us < WINDOW_US)
		return;
	if (same)
		rescue_capacity_learn(&bus->capacity, bus->window.senders,
				      add_rates(station, domain));
	bus->window = open_window(station, domain, now_us);
}

void
rescue_bench_measure(RescueStation *station, const RescueTicket *ticket, RescueStage before,
		     int64_t since_us, int64_t now_us)
{
	RescueBenchBus *bus = get_bus(station, ticket->domain);

	if (before == RESCUE_STAGE_BOOTING &&
	    (ticket->stage == RESCUE_STAGE_ARRIVED || ticket->stage == RESCUE_STAGE_SENDING)) {
		double off = (double)(now_us - since_us) - bus->lead_us;
		bus->lead_us += NEWER * off;
		bus->spread_us += NEWER * (fabs(off) - bus->spread_us);
	}
	if (before == RESCUE_STAGE_SENDING || ticket->stage == RESCUE_STAGE_SENDING)
		measure_bus(station, ticket->domain, now_us);
}
