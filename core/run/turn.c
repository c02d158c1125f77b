/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/state.h"

/* A job of a line waits for its turn. What is waited for others is not taken from the job's own time. */

#define MS      1000                  /* microseconds */
#define LOOK_MS 2000                  /* from one look at who gives turns to the next */
#define MOST_MS (12 * 60 * 60 * 1000) /* of waiting, even for a line that lives */

typedef struct {
	int64_t begun_us, served_us; /* when somebody was last there who gives turns */
	int alone_ms;
	bool granted;
} Wait;

/* Why the wait is over; NULL: it is not. */
static const char *
is_over(const RescueRun *run, Wait *wait)
{
	const RescuePorts *ports = run->ports;
	int64_t now_us = rescue_run_now_us(run);

	if (wait->granted)
		return "granted";
	if (run->stops > 0)
		return "stopped";
	if (ports->turns->is_served(ports->turns_self))
		wait->served_us = now_us;
	if (now_us - wait->served_us >= (int64_t)wait->alone_ms * MS)
		return "nobody-grants";
	return now_us - wait->begun_us >= (int64_t)MOST_MS * MS ? "too-long" : NULL;
}

static const char *
wait_for_it(RescueRun *run, Wait *wait)
{
	const char *why;

	while ((why = is_over(run, wait)) == NULL) {
		int64_t look_us = rescue_run_now_us(run) + (int64_t)LOOK_MS * MS;
		g_autoptr(RescueObservation) seen = rescue_run_next(run, look_us);
		wait->granted = seen != NULL && seen->kind == RESCUE_OBSERVED_TURN;
	}
	return why;
}

/* What will go over the bus. */
static uint64_t
image_bytes(const RescueRun *run)
{
	return run->firmware != NULL ? run->firmware->os_image_bytes : 0;
}

bool
rescue_run_take_turn(RescueRun *run, const char *turn, unsigned number)
{
	const RescuePorts *ports = run->ports;
	Wait wait = { .begun_us = rescue_run_now_us(run), .served_us = rescue_run_now_us(run) };
	const char *why;

	if (ports->turns == NULL)
		return true;
	wait.alone_ms = ports->turns->ask(ports->turns_self, turn, number);
	rescue_run_say(run, rescue_event_turn(&(RescueTurnEvent){
				.turn = turn, .number = number, .image_bytes = image_bytes(run) }));
	why = wait_for_it(run, &wait);
	ports->turns->end(ports->turns_self);
	run->started_us += rescue_run_now_us(run) - wait.begun_us;
	rescue_run_say(run, rescue_event_turn(
				&(RescueTurnEvent){ .turn = turn, .number = number, .why = why }));
	if (run->stops > 0)
		g_set_error(&run->evidence->error, RESCUE_ERROR, RESCUE_ERROR_CANCELLED,
			    "stopped while it waited for its turn");
	return run->stops == 0;
}
