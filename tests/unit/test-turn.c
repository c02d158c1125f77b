/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>

#include "tests/fake/world.h"

/* A job of a line waits until it may start its engine. */

#define SUCCESS \
	"> Identified device as d22ap, iPhone10,3\n> Status: Restore Finished\n> DONE\nexit 0\n"

static RescueWorld *
world_of_line(int grant_ms)
{
	RescueWorld *world = rescue_world_new(RESCUE_MODE_RECOVERY);

	rescue_world_engine_plays(world, SUCCESS);
	rescue_world_joins_line(world, grant_ms);
	return world;
}

/* How often such an event is in the journal; `why` NULL: whatever it says. */
static unsigned
count(const RescueWorld *world, const char *name, const char *why)
{
	const GPtrArray *events = rescue_world_events(world);
	unsigned found = 0;

	for (unsigned i = 0; i < events->len; i++) {
		const RescueJson *event = events->pdata[i];
		found += g_strcmp0(rescue_json_get_string(event, "event"), name) == 0 &&
			 (why == NULL || g_strcmp0(rescue_json_get_string(event, "why"), why) == 0);
	}
	return found;
}

static void
test_of_no_line(void)
{
	g_autoptr(RescueWorld) world = rescue_world_new(RESCUE_MODE_RECOVERY);

	rescue_world_engine_plays(world, SUCCESS);
	g_assert_cmpint(rescue_world_run(world, RESCUE_BEHAVIOR_ERASE)->outcome, ==,
			RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(count(world, "turn", NULL), ==, 0);
	g_assert_cmpuint(count(world, "alive", NULL), ==, 0);
}

/* three hours are more than the job's own two: waiting for others is not its time */
static void
test_granted(void)
{
	g_autoptr(RescueWorld) world = world_of_line(3 * 60 * 60 * 1000);

	g_assert_cmpint(rescue_world_run(world, RESCUE_BEHAVIOR_ERASE)->outcome, ==,
			RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(count(world, "turn", NULL), ==, 2);
	g_assert_cmpuint(count(world, "turn", "granted"), ==, 1);
	/* meanwhile it said every half minute that it lives */
	g_assert_cmpuint(count(world, "alive", NULL), >=, 350);
}

static void
test_nobody_grants(void)
{
	g_autoptr(RescueWorld) world = world_of_line(-1);

	g_assert_cmpint(rescue_world_run(world, RESCUE_BEHAVIOR_ERASE)->outcome, ==,
			RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(count(world, "turn", "nobody-grants"), ==, 1);
}

static void
test_stopped(void)
{
	g_autoptr(RescueWorld) world = world_of_line(60000);

	rescue_world_stop_after(world, 20000);
	g_assert_cmpint(rescue_world_run(world, RESCUE_BEHAVIOR_ERASE)->outcome, ==,
			RESCUE_OUTCOME_CANCELLED);
	g_assert_cmpuint(count(world, "turn", "stopped"), ==, 1);
	g_assert_cmpuint(rescue_world_count(world, "start"), ==, 0);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/turn/of-no-line", test_of_no_line);
	g_test_add_func("/turn/granted", test_granted);
	g_test_add_func("/turn/nobody-grants", test_nobody_grants);
	g_test_add_func("/turn/stopped", test_stopped);
	return g_test_run();
}
