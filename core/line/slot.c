/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/line/bench.h"

#include <string.h>

static const struct {
	const char *name, *text;
} states[] = {
#define RESCUE_SLOT_STATE(id, name, text) [RESCUE_SLOT_##id] = { name, text },
#include "core/line/slot.def"
#undef RESCUE_SLOT_STATE
};

static const char *const events[] = {
#define RESCUE_SLOT_EVENT(id, text) [RESCUE_SLOT_EVENT_##id] = text,
#include "core/line/slot.def"
#undef RESCUE_SLOT_EVENT
};

/* a move is there when `there` is set: EMPTY is a target, too */
static const struct {
	bool there;
	RescueSlotState to;
} moves[RESCUE_SLOT_LAST][RESCUE_SLOT_EVENT_LAST] = {
#define RESCUE_SLOT_MOVE(from, event, to) \
	[RESCUE_SLOT_##from][RESCUE_SLOT_EVENT_##event] = { true, RESCUE_SLOT_##to },
#include "core/line/slot.def"
#undef RESCUE_SLOT_MOVE
};

const char *
rescue_slot_state_name(RescueSlotState state)
{
	return state < RESCUE_SLOT_LAST ? states[state].name : "unknown";
}

bool
rescue_slot_state_parse(const char *name, RescueSlotState *ret_state)
{
	for (int i = 0; i < RESCUE_SLOT_LAST; i++) {
		if (strcmp(states[i].name, name) != 0)
			continue;
		*ret_state = i;
		return true;
	}
	return false;
}

bool
rescue_slot_next(RescueSlotState from, RescueSlotEvent event, RescueSlotState *ret_to)
{
	if (from >= RESCUE_SLOT_LAST || event >= RESCUE_SLOT_EVENT_LAST ||
	    !moves[from][event].there)
		return false;
	*ret_to = moves[from][event].to;
	return true;
}

const char *
rescue_bench_label(const RescueStation *station, size_t port)
{
	const RescuePort *entry = rescue_layout_port(station->layout, port);

	return entry != NULL ? entry->label : "no port of the line";
}

void
rescue_bench_report(RescueStation *station, char *sentence)
{
	if (station->reports->len < RESCUE_BENCH_REPORTS)
		g_ptr_array_add(station->reports, sentence);
	else
		g_free(sentence);
}

bool
rescue_bench_fire(RescueStation *station, RescueTicket *ticket, RescueSlotEvent event, char *why,
		  int64_t now_us)
{
	g_autofree char *owned = why;
	RescueSlotState to;

	if (!rescue_slot_next(ticket->state, event, &to)) {
		rescue_bench_report(station,
				    g_strdup_printf("%s: %s, but it is %s (%s): ignored",
						    rescue_bench_label(station, ticket->port),
						    events[event], states[ticket->state].name,
						    states[ticket->state].text));
		return false;
	}
	if (to != ticket->state)
		ticket->since_us = now_us;
	ticket->touched |= to != ticket->state || owned != NULL;
	ticket->state = to;
	if (owned != NULL) {
		g_free(ticket->why);
		ticket->why = g_steal_pointer(&owned);
	}
	return true;
}
