/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/turn.h"

#include "core/run/state.h"

/* A job of a line waits for its turn. What is waited for others is not taken from the job's own time. */

#define MS 1000 /* microseconds */
#define MOST_US \
	(INT64_C(12) * 60 * 60 * G_USEC_PER_SEC) /* before an engine, even for a line that lives */

const char *
rescue_turn_why_over(const RescueTurnWait *wait, int64_t now_us)
{
	if (wait->granted)
		return "granted";
	if (wait->stops > 0)
		return "stopped";
	if (wait->pointless)
		return "pointless";
	if (now_us - wait->served_us >= wait->alone_us)
		return "nobody-grants";
	return now_us - wait->begun_us >= wait->most_us ? "too-long" : NULL;
}

int64_t
rescue_turn_next_look(const RescueTurnWait *wait, int64_t now_us)
{
	return MIN(now_us + RESCUE_TURN_LOOK_US, wait->begun_us + wait->most_us);
}

/* What will go over the bus. */
static uint64_t
image_bytes(const RescueRun *run)
{
	return run->firmware != NULL ? run->firmware->os_image_bytes : 0;
}

void
rescue_run_ask_turn(RescueRun *run, RescueTurnWait *wait)
{
	const RescuePorts *ports = run->ports;

	wait->begun_us = wait->served_us = rescue_run_now_us(run);
	wait->alone_us = (int64_t)ports->turns->ask(ports->turns_self, wait->turn, wait->number) *
			 MS;
	rescue_run_say(run, rescue_event_turn(&(RescueTurnEvent){
				.turn = wait->turn,
				.number = wait->number,
				.image_bytes = image_bytes(run),
				.scratch_bytes = run->asked_bytes,
				.old_engine = run->engine.dialect == RESCUE_DIALECT_1_0_0,
				.holds = ports->turns->hold_ms(ports->turns_self) > 0 }));
}

const char *
rescue_run_look_at_turn(const RescueRun *run, RescueTurnWait *wait)
{
	const RescuePorts *ports = run->ports;
	int64_t now_us = rescue_run_now_us(run);

	wait->stops = run->stops;
	if (ports->turns->is_served(ports->turns_self))
		wait->served_us = now_us;
	return rescue_turn_why_over(wait, now_us);
}

void
rescue_run_end_turn(RescueRun *run, const RescueTurnWait *wait, const char *why)
{
	const RescuePorts *ports = run->ports;

	ports->turns->end(ports->turns_self);
	run->started_us += rescue_run_now_us(run) - wait->begun_us;
	rescue_run_say(run, rescue_event_turn(&(RescueTurnEvent){
				.turn = wait->turn, .number = wait->number, .why = why }));
}

bool
rescue_run_take_turn(RescueRun *run, const char *turn, unsigned number)
{
	RescueTurnWait wait = { .turn = turn, .number = number, .most_us = MOST_US };
	const char *why;

	if (run->ports->turns == NULL)
		return true;
	rescue_run_ask_turn(run, &wait);
	while ((why = rescue_run_look_at_turn(run, &wait)) == NULL) {
		g_autoptr(RescueObservation) seen =
		    rescue_run_next(run, rescue_turn_next_look(&wait, rescue_run_now_us(run)));
		wait.granted = seen != NULL && seen->kind == RESCUE_OBSERVED_TURN;
	}
	rescue_run_end_turn(run, &wait, why);
	if (run->stops > 0)
		g_set_error(&run->evidence->error, RESCUE_ERROR, RESCUE_ERROR_CANCELLED,
			    "stopped while it waited for its turn");
	return run->stops == 0;
}
