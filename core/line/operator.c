/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/line/bench.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/text.h"

#define MAX_SCAN 128u

static bool
refuse(GError **error, const char *label, const char *what)
{
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT, "%s: %s", label, what);
	return false;
}

static bool
find_port(const RescueStation *station, const char *label, size_t *ret_port, GError **error)
{
	*ret_port = rescue_layout_find_label(station->layout, label);
	return *ret_port != RESCUE_PORT_NONE ||
	       refuse(error, label != NULL ? label : "", "no port of this station has this label");
}

static RescueBenchPort *
port_at(RescueStation *station, size_t port)
{
	return &g_array_index(station->ports, RescueBenchPort, port);
}

bool
rescue_station_hold(RescueStation *station, const char *label, int64_t now_us, GError **error)
{
	size_t port;
	RescueTicket *ticket;

	if (!find_port(station, label, &port, error))
		return false;
	ticket = rescue_bench_at(station, port);
	if (ticket == NULL) {
		port_at(station, port)->held = true;
		rescue_bench_keep_port(station, port);
		return true;
	}
	if (ticket->alive)
		return refuse(error, label,
			      "its job runs and is not interrupted; hold it when it has ended");
	if (ticket->state == RESCUE_SLOT_PARKED)
		return true;
	if (ticket->state == RESCUE_SLOT_QUARANTINED)
		return refuse(error, label,
			      "the port is out of use already; retest it, or move the phone");
	return rescue_bench_fire(station, ticket, RESCUE_SLOT_EVENT_HELD,
				 g_strdup("an operator put it aside"), now_us);
}

bool
rescue_station_release(RescueStation *station, const char *label, int64_t now_us, GError **error)
{
	size_t port;
	RescueTicket *ticket;
	RescueSlotState to;
	bool held;

	if (!find_port(station, label, &port, error))
		return false;
	held = port_at(station, port)->held;
	port_at(station, port)->held = false;
	if (held)
		rescue_bench_keep_port(station, port);
	ticket = rescue_bench_at(station, port);
	if (ticket == NULL)
		return held || refuse(error, label, "nothing is held there");
	if (ticket->alive)
		return refuse(error, label, "its job runs; do what it asks for, and it goes on");
	if (!rescue_slot_next(ticket->state, RESCUE_SLOT_EVENT_RELEASED, &to))
		return held || refuse(error, label, "nothing is held there; retest tries it again");
	(void)rescue_bench_fire(station, ticket, RESCUE_SLOT_EVENT_RELEASED, NULL, now_us);
	rescue_bench_settle(station, ticket, now_us);
	return true;
}

static void
retest(RescueStation *station, RescuePlaceKind kind, const char *name)
{
	rescue_health_retest(station->health, kind, name);
	rescue_bench_keep_verdict(station, "retested", kind, name);
}

/* The port, its cable and its hub: whichever was out of use. */
static bool
absolve(RescueStation *station, size_t port)
{
	const RescuePort *entry = rescue_layout_port(station->layout, port);

	if (!rescue_bench_is_condemned(station, port))
		return false;
	retest(station, RESCUE_PLACE_PORT, entry->label);
	if (rescue_health_is_condemned(station->health, RESCUE_PLACE_CABLE, entry->cable))
		retest(station, RESCUE_PLACE_CABLE, entry->cable);
	for (unsigned i = 0; i < station->layout->hubs->len; i++) {
		const RescueHub *hub = g_ptr_array_index(station->layout->hubs, i);
		g_autofree char *name = hub->label != NULL ? g_strdup(hub->label)
							   : rescue_usb_place_format(&hub->place);
		if (rescue_health_is_condemned(station->health, RESCUE_PLACE_HUB, name) &&
		    rescue_usb_place_is_at_or_below(&g_array_index(entry->places, RescueUsbPlace,
								   0),
						    &hub->place, station->buses))
			retest(station, RESCUE_PLACE_HUB, name);
	}
	return true;
}

bool
rescue_station_retest(RescueStation *station, const char *label, int64_t now_us, GError **error)
{
	size_t port;
	RescueTicket *ticket;
	RescueSlotState to;
	bool absolved;

	if (!find_port(station, label, &port, error))
		return false;
	absolved = absolve(station, port);
	ticket = rescue_bench_at(station, port);
	if (ticket == NULL || !rescue_slot_next(ticket->state, RESCUE_SLOT_EVENT_RETESTED, &to))
		return absolved ||
		       refuse(error, label,
			      ticket == NULL ? "there is nothing to test again"
					     : "only a phone that has passed or failed, or "
					       "a port out of use, is tested again");
	(void)rescue_bench_fire(station, ticket, RESCUE_SLOT_EVENT_RETESTED, NULL, now_us);
	rescue_bench_settle(station, ticket, now_us);
	return true;
}

static bool
is_printable(const char *text)
{
	size_t n = strnlen(text, MAX_SCAN + 1);

	if (n == 0 || n > MAX_SCAN)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!g_ascii_isprint(text[i]))
			return false;
	}
	return true;
}

bool
rescue_station_scan(RescueStation *station, const char *label, const char *text, int64_t now_us,
		    GError **error)
{
	size_t port;
	RescueTicket *ticket;

	if (!find_port(station, label, &port, error))
		return false;
	if (text == NULL || !is_printable(text))
		return refuse(error, label, "what was scanned is no number: scan it again");
	ticket = rescue_bench_at(station, port);
	if (ticket == NULL) {
		rescue_set_string(&port_at(station, port)->scan, text);
		rescue_bench_keep_port(station, port);
		return true;
	}
	rescue_set_string(&ticket->scan, text);
	ticket->touched = true;
	if (ticket->state == RESCUE_SLOT_IDENTIFIED)
		rescue_bench_settle(station, ticket, now_us);
	return true;
}
