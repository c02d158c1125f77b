/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>

#include "core/base/error.h"
#include "core/run/turn.h"
#include "tests/fake/world.h"

/* A job of a line waits until it may start its engine, and its engine until it may send. */

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

/* The disk was full when it asked: who gives turns hears of it as soon as there is room again, not at its end. */
static void
test_asked_with_a_full_disk(void)
{
	g_autoptr(RescueWorld) first = world_of_line(1000);
	g_autoptr(RescueWorld) world = world_of_line(60 * 60 * 1000);
	const GPtrArray *events = rescue_world_events(first);
	unsigned asked = 0;

	(void)rescue_world_run(first, RESCUE_BEHAVIOR_ERASE);
	while (g_strcmp0(rescue_json_get_string(events->pdata[asked], "event"), "turn") != 0)
		asked++;
	rescue_world_fail_between(world, "append", asked + 1, asked + 3, RESCUE_FAILURE_HOST_IO);
	g_assert_cmpint(rescue_world_run(world, RESCUE_BEHAVIOR_ERASE)->outcome, ==,
			RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(count(world, "turn", NULL), ==, 2);
	g_assert_cmpuint(count(world, "alive", NULL), >=, 110);
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

/* ---- held before the transfer ----------------------------------------------------------------------- */

#define BOOTS \
	"> Identified device as d22ap, iPhone10,3\nmode restore\n> About to restore device...\n"
#define SENDS "wait 1000\n> About to send filesystem...\nwait 100\n> Connected to ASR\n"
#define GETS_THEM \
	"wait 5000\n> Done sending filesystem\n> Status: Restore Finished\n> DONE\nexit 0\n"

static RescueWorld *
world_that_holds(int grant_ms, int hold_ms)
{
	RescueWorld *world = rescue_world_new(RESCUE_MODE_RECOVERY);

	rescue_world_engine_plays(world, BOOTS SENDS GETS_THEM);
	rescue_world_joins_line(world, grant_ms);
	rescue_world_holds(world, hold_ms);
	return world;
}

/* The n-th (from 0) event of a turn. */
static const RescueJson *
turn_event(const RescueWorld *world, unsigned n)
{
	const GPtrArray *events = rescue_world_events(world);

	for (unsigned i = 0; i < events->len; i++) {
		const RescueJson *event = events->pdata[i];
		if (g_strcmp0(rescue_json_get_string(event, "event"), "turn") == 0 && n-- == 0)
			return event;
	}
	return NULL;
}

static void
assert_restored(RescueWorld *world)
{
	g_assert_cmpint(rescue_world_run(world, RESCUE_BEHAVIOR_ERASE)->outcome, ==,
			RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(rescue_world_count(world, "start"), ==, 1);
}

/* forty minutes are more than any step of an engine may be silent, and no concern of its patience */
static void
test_held_until_granted(void)
{
	const int wait_ms = 40 * 60 * 1000;
	g_autoptr(RescueWorld) world = world_that_holds(wait_ms, 60 * 60 * 1000);

	rescue_world_policy(world)->patience_ms[RESCUE_PHASE_FILESYSTEM] = 10000;
	rescue_world_policy(world)->deadline_ms = 30 * 60 * 1000;
	assert_restored(world);
	g_assert_cmpuint(count(world, "turn", NULL), ==, 4);
	g_assert_cmpuint(count(world, "turn", "granted"), ==, 2);
	g_assert_true(rescue_json_get_bool(turn_event(world, 0), "holds", false));
	g_assert_cmpstr(rescue_json_get_string(turn_event(world, 2), "turn"), ==, "transfer");
	g_assert_cmpint(rescue_world_ms(world), >, 2 * wait_ms);
	g_assert_cmpuint(rescue_world_count(world, "hold"), ==, 1);
	g_assert_cmpuint(rescue_world_count(world, "go_on"), ==, 1);
}

static void
test_held_no_longer_than_may_be(void)
{
	g_autoptr(RescueWorld) world = world_that_holds(5 * 60 * 1000, 60 * 1000);

	assert_restored(world);
	g_assert_cmpuint(count(world, "turn", "too-long"), ==, 1);
	/* one turn of five minutes, one minute, and the work itself */
	g_assert_cmpint(rescue_world_ms(world), <, 7 * 60 * 1000);
}

static void
test_held_while_nobody_grants(void)
{
	g_autoptr(RescueWorld) world = world_that_holds(-1, 60 * 60 * 1000);

	assert_restored(world);
	g_assert_cmpuint(count(world, "turn", "nobody-grants"), ==, 2);
}

static void
test_not_held_by_others(void)
{
	g_autoptr(RescueWorld) world = world_that_holds(10, 0);

	assert_restored(world);
	g_assert_cmpuint(rescue_world_count(world, "hold"), ==, 0);
	g_assert_cmpuint(count(world, "turn", NULL), ==, 2);
	g_assert_null(rescue_json_get(turn_event(world, 0), "holds"));
}

static void
test_cannot_be_held(void)
{
	g_autoptr(RescueWorld) world = world_that_holds(10, 60000);

	rescue_world_fail(world, "hold", 1, (RescueFailure)RESCUE_ERROR_HOST_IO);
	assert_restored(world);
	g_assert_cmpuint(count(world, "turn", NULL), ==, 2);
	g_assert_cmpuint(count(world, "note", NULL), ==, 1);
}

/* what is asked to stop goes on first: SIGTERM means nothing to who stands still */
static void
test_stopped_while_held(void)
{
	g_autoptr(RescueWorld) world = rescue_world_new(RESCUE_MODE_RECOVERY);

	rescue_world_engine_plays(world, BOOTS SENDS "wait 60000\n" GETS_THEM);
	rescue_world_joins_line(world, 30 * 60 * 1000);
	rescue_world_holds(world, 60 * 60 * 1000);
	rescue_world_stop_after(world, 40 * 60 * 1000);
	g_assert_cmpint(rescue_world_run(world, RESCUE_BEHAVIOR_ERASE)->outcome, ==,
			RESCUE_OUTCOME_CANCELLED);
	g_assert_cmpuint(count(world, "turn", "stopped"), ==, 1);
	g_assert_cmpuint(rescue_world_count(world, "go_on"), ==, 1);
	g_assert_cmpuint(rescue_world_count(world, "end"), ==, 1);
}

/* the engine is not held for a phone that nobody can send anything to */
static void
test_phone_leaves_while_held(void)
{
	g_autoptr(RescueWorld) world = rescue_world_new(RESCUE_MODE_RECOVERY);

	rescue_world_engine_plays(world,
				  BOOTS SENDS "mode absent\nwait 1000\n"
					      "> ERROR: Unable to send filesystem\nexit 245\n");
	rescue_world_engine_plays(world, BOOTS GETS_THEM);
	rescue_world_then(world, "mode recovery\n");
	rescue_world_then(world, "wait 20000\nmode normal\n");
	rescue_world_joins_line(world, 30 * 60 * 1000);
	rescue_world_holds(world, 60 * 60 * 1000);
	g_assert_cmpint(rescue_world_run(world, RESCUE_BEHAVIOR_ERASE)->outcome, ==,
			RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(count(world, "turn", "pointless"), ==, 1);
	g_assert_cmpuint(rescue_world_count(world, "go_on"), ==, 1);
}

/* who adopts does not hold an engine that is beyond that line */
static void
test_adopted_runs_on(void)
{
	const RescueResume resume = {
		.seq = 7,
		.attempts = 1,
		.engine = { .pid = 4711, .start_time = 1, .transcript = (char *)"transcript.log" },
	};
	g_autoptr(RescueWorld) adopting = rescue_world_new(RESCUE_MODE_RESTORE);

	rescue_world_engine_plays(adopting, "> Identified device as d22ap, iPhone10,3\n"
					    "> About to restore device...\n"
					    "> About to send filesystem...\n" GETS_THEM);
	rescue_world_joins_line(adopting, 10);
	rescue_world_holds(adopting, 60000);
	rescue_world_resumes(adopting, &resume);
	g_assert_cmpint(rescue_world_run(adopting, RESCUE_BEHAVIOR_ERASE)->outcome, ==,
			RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(rescue_world_count(adopting, "adopt"), ==, 1);
	g_assert_cmpuint(rescue_world_count(adopting, "hold"), ==, 0);
	g_assert_cmpuint(count(adopting, "turn", NULL), ==, 0);
}

/* the decision alone */
static void
test_why_over(void)
{
	static const struct {
		RescueTurnWait wait;
		int64_t now_us;
		const char *why;
	} cases[] = {
		{ { .alone_us = 20, .most_us = 60 }, 10, NULL },
		{ { .alone_us = 20, .most_us = 60 }, 20, "nobody-grants" },
		{ { .alone_us = 20, .most_us = 60, .served_us = 50 }, 59, NULL },
		{ { .alone_us = 20, .most_us = 60, .served_us = 50 }, 60, "too-long" },
		{ { .alone_us = 20, .most_us = 60, .granted = true, .stops = 1 }, 99, "granted" },
		{ { .alone_us = 20, .most_us = 60, .stops = 1, .pointless = true }, 0, "stopped" },
		{ { .alone_us = 20, .most_us = 60, .pointless = true }, 0, "pointless" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_cmpstr(rescue_turn_why_over(&cases[i].wait, cases[i].now_us), ==,
				cases[i].why);
	/* the end of the wait is not missed by a look */
	g_assert_cmpint(rescue_turn_next_look(&cases[0].wait, 10), ==, 60);
	g_assert_cmpint(rescue_turn_next_look(&(RescueTurnWait){ .most_us = G_MAXINT64 }, 10), ==,
			10 + RESCUE_TURN_LOOK_US);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/turn/of-no-line", test_of_no_line);
	g_test_add_func("/turn/granted", test_granted);
	g_test_add_func("/turn/asked-with-a-full-disk", test_asked_with_a_full_disk);
	g_test_add_func("/turn/nobody-grants", test_nobody_grants);
	g_test_add_func("/turn/stopped", test_stopped);
	g_test_add_func("/turn/held-until-granted", test_held_until_granted);
	g_test_add_func("/turn/held-no-longer-than-may-be", test_held_no_longer_than_may_be);
	g_test_add_func("/turn/held-while-nobody-grants", test_held_while_nobody_grants);
	g_test_add_func("/turn/not-held-by-others", test_not_held_by_others);
	g_test_add_func("/turn/cannot-be-held", test_cannot_be_held);
	g_test_add_func("/turn/stopped-while-held", test_stopped_while_held);
	g_test_add_func("/turn/phone-leaves-while-held", test_phone_leaves_while_held);
	g_test_add_func("/turn/adopted-runs-on", test_adopted_runs_on);
	g_test_add_func("/turn/why-over", test_why_over);
	return g_test_run();
}
