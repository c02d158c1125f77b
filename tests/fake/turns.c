/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/fake/internal.h"

/* What happens when, the line that gives turns, and the engine that stands still until it gets one. */

/* away from all that happens in a test, for who stands still */
#define HELD_US (INT64_C(1000) * 24 * 60 * 60 * G_USEC_PER_SEC)

static int
by_time(gconstpointer a, gconstpointer b, gpointer data)
{
	const Happening *first = a, *second = b;

	return first->at_us <= second->at_us ? -1 : 1; /* equal: in the order of the script */
}

void
rescue_world_happens(RescueWorld *world, int64_t at_us, RescueObservation *observation)
{
	Happening *happening = g_new(Happening, 1);

	*happening = (Happening){ at_us, observation };
	g_queue_insert_sorted(&world->happenings, happening, by_time, NULL);
}

bool
rescue_happening_is_of_engine(const Happening *happening)
{
	return happening->observation->kind == RESCUE_OBSERVED_LINE ||
	       happening->observation->kind == RESCUE_OBSERVED_EXIT;
}

/* What the engine has still to say comes so much later. */
static void
delay_engine(RescueWorld *world, int64_t from_us, int64_t late_us)
{
	for (GList *link = world->happenings.head; link != NULL; link = link->next) {
		Happening *happening = link->data;
		if (rescue_happening_is_of_engine(happening) && happening->at_us > from_us)
			happening->at_us += late_us;
	}
	g_queue_sort(&world->happenings, by_time, NULL);
}

bool
rescue_world_hold(void *self, int most_ms, GError **error)
{
	RescueWorld *world = self;

	g_assert_true(world->engine_runs && world->held_us == 0);
	g_assert_cmpint(most_ms, ==, world->hold_ms);
	if (rescue_world_refuses(world, "hold", error))
		return false;
	world->held_us = world->now_us;
	delay_engine(world, world->now_us, HELD_US);
	return true;
}

void
rescue_world_go_on(void *self)
{
	RescueWorld *world = self;
	int64_t late_us = world->now_us - world->held_us;

	if (world->held_us == 0)
		return;
	(void)rescue_world_refuses(world, "go_on", NULL);
	world->held_us = 0;
	delay_engine(world, HELD_US, late_us - HELD_US);
}

void
rescue_world_joins_line(RescueWorld *world, int grant_ms)
{
	world->of_line = true;
	world->grant_ms = grant_ms;
}

void
rescue_world_holds(RescueWorld *world, int ms)
{
	world->hold_ms = ms;
}

static int
ask_turn(void *self, const char *turn, unsigned number)
{
	RescueWorld *world = self;

	if (world->grant_ms >= 0)
		rescue_world_happens(world, world->now_us + (int64_t)world->grant_ms * MS,
				     rescue_observation_new(RESCUE_OBSERVED_TURN));
	return 20000;
}

static bool
turns_are_served(void *self)
{
	const RescueWorld *world = self;

	return world->grant_ms >= 0;
}

static void
end_turn(void *self)
{
}

static int
hold_ms(void *self)
{
	return ((RescueWorld *)self)->hold_ms;
}

const RescueTurnPort rescue_world_turn_port = {
	.hold_ms = hold_ms,
	.ask = ask_turn,
	.is_served = turns_are_served,
	.end = end_turn,
};
