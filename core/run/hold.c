/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/state.h"

/*
 * The engine of a job of a line stands still right before it sends the system image, until the line says that its bus
 * has room for one more. Once for each engine; one that cannot be held runs on, as if it had got its turn.
 */

#define MS 1000 /* microseconds */

static int
hold_ms(const RescueRun *run)
{
	const RescuePorts *ports = run->ports;

	return ports->turns != NULL ? ports->turns->hold_ms(ports->turns_self) : 0;
}

static void
say_refusal(RescueRun *run, const GError *trouble)
{
	g_autofree char *text = g_strdup_printf("the engine sends without waiting for its turn: %s",
						trouble->message);

	rescue_run_say(run, rescue_event_note(RESCUE_PHASE_FILESYSTEM, text));
}

/*
 * Stopped first and journalled then: each moment sends more, and nobody has to know of it, since it goes on by itself
 * when we die.
 */
void
rescue_run_hold(RescueRun *run, RescueRunHold *hold)
{
	const RescuePorts *ports = run->ports;
	int most_ms = hold_ms(run);
	g_autoptr(GError) trouble = NULL;

	if (hold->was || run->stops > 0 || most_ms <= 0)
		return;
	hold->was = true;
	hold->on = ports->engine->hold(ports->engine_self, most_ms, &trouble);
	if (!hold->on) {
		say_refusal(run, trouble);
		return;
	}
	hold->wait = (RescueTurnWait){ .turn = "transfer",
				       .number = run->attempt,
				       .most_us = (int64_t)most_ms * MS };
	rescue_run_step(run, RESCUE_PHASE_LAST);
	rescue_run_ask_turn(run, &hold->wait);
}

static void
let_go(RescueRun *run, RescueRunHold *hold, const char *why)
{
	const RescuePorts *ports = run->ports;

	hold->on = false;
	rescue_run_end_turn(run, &hold->wait, why);
	ports->engine->go_on(ports->engine_self);
}

bool
rescue_run_look_at_hold(RescueRun *run, RescueRunHold *hold, bool pointless)
{
	const char *why;

	if (!hold->on)
		return false;
	hold->wait.pointless = pointless;
	why = rescue_run_look_at_turn(run, &hold->wait);
	if (why != NULL)
		let_go(run, hold, why);
	return why != NULL;
}
