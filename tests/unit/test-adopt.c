/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "tests/fake/world.h"

/* A job whose supervisor died: what its engine has said so far comes at once, what it says later comes in time. */

#define UNTIL_BOOTX                                  \
	"> Found device in Recovery mode\n"          \
	"> Identified device as d22ap, iPhone10,3\n" \
	"> Sending RestoreRamDisk (330 bytes)...\n"  \
	"> Waiting for device to enter restore mode...\n"
#define IN_RESTORE_MODE                   \
	"> About to restore device... \n" \
	"> Creating filesystem (12)\n"    \
	"> About to send filesystem...\n" \
	"> Sending filesystem now...\n"   \
	"> Done sending filesystem\n"     \
	"> Verifying restore (14)\n"      \
	"> About to send NORData...\n"
#define UNTIL_NOR UNTIL_BOOTX IN_RESTORE_MODE
#define UNTIL_END                  \
	"> Done sending NORData\n" \
	"> Got status message\n"   \
	"> Status: Restore Finished\n"
#define WHOLE                                                                           \
	UNTIL_BOOTX "mode absent\n wait 800\n mode restore\n" IN_RESTORE_MODE UNTIL_END \
		    "mode absent\n exit 0\n"

static RescueWorld *
world_resuming(RescueMode mode, const char *adopted)
{
	RescueWorld *world = rescue_world_new(mode);

	rescue_world_engine_plays(world, adopted);
	rescue_world_engine_plays(world, WHOLE);
	rescue_world_resumes(world, &rescue_world_one_attempt);
	return world;
}

static void
test_living_engine_is_followed_to_its_end(void)
{
	g_autoptr(RescueWorld)
	    world = world_resuming(RESCUE_MODE_RESTORE,
				   UNTIL_NOR "wait 60000\n" UNTIL_END "mode absent\n exit -1\n");
	const RescueRunResult *result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);

	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(result->attempts, ==, 1);
	g_assert_cmpuint(rescue_world_count(world, "start"), ==, 0);
	g_assert_cmpuint(rescue_world_count(world, "end"), ==, 0);
}

static void
test_engine_that_had_finished_is_confirmed(void)
{
	g_autoptr(RescueWorld)
	    world = world_resuming(RESCUE_MODE_RESTORE, UNTIL_NOR UNTIL_END "exit -1\n");
	const RescueRunResult *result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);

	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(rescue_world_count(world, "start"), ==, 0);
}

static void
test_old_words_are_not_judged_by_the_mode_of_now(void)
{
	g_autoptr(RescueWorld)
	    world = world_resuming(RESCUE_MODE_RECOVERY, UNTIL_NOR UNTIL_END "exit -1\n");
	const RescueRunResult *result;

	rescue_world_then(world, "");
	rescue_world_policy(world)->attempts = 1;
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpuint(rescue_world_count(world, "end"), ==, 0);
	g_assert_cmpint(result->failure, ==, RESCUE_FAILURE_BOUNCED);
}

static void
test_dead_engine_is_an_attempt(void)
{
	g_autoptr(RescueWorld) world = world_resuming(RESCUE_MODE_RESTORE, UNTIL_NOR "exit -1\n");
	const RescueRunResult *result;

	rescue_world_then(world, "");
	rescue_world_then(world, "wait 20000\n mode normal\n");
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(result->attempts, ==, 2);
	g_assert_cmpuint(rescue_world_count(world, "act:reboot"), ==, 1); /* out of restore mode */
	g_assert_cmpuint(rescue_world_count(world, "start"), ==, 1);
}

static void
test_engine_that_never_ran_is_no_attempt(void)
{
	g_autoptr(RescueWorld) world = world_resuming(RESCUE_MODE_RECOVERY, "exit -1\n");
	const RescueRunResult *result;

	rescue_world_then(world, "");
	rescue_world_then(world, "wait 20000\n mode normal\n");
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(result->attempts, ==, 1);
	g_assert_null(strstr(rescue_world_history(world), "failure:"));
}

static void
test_patience_counts_from_the_adoption(void)
{
	g_autoptr(RescueWorld) world = world_resuming(RESCUE_MODE_RESTORE, UNTIL_NOR);
	const RescueRunResult *result;

	rescue_world_policy(world)->patience_ms[RESCUE_PHASE_NOR] = 30000;
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpuint(rescue_world_count(world, "end"), ==, 1);
	g_assert_cmpint(rescue_world_ms(world), >=, 30000);
	g_assert_cmpuint(result->attempts, ==, 2);
}

static void
test_adopted_engine_is_guarded_while_it_flashes(void)
{
	g_autoptr(RescueWorld)
	    world = world_resuming(RESCUE_MODE_RESTORE,
				   UNTIL_NOR "wait 60000\n" UNTIL_END "mode absent\n exit -1\n");
	const RescueRunResult *result;

	rescue_world_stop_after(world, 30000);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpuint(rescue_world_count(world, "end"), ==, 0);
	g_assert_nonnull(strstr(rescue_world_history(world), "operator:"));
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED); /* and seen booted */
}

static void
test_stop_while_flashing_forbids_another_attempt(void)
{
	g_autoptr(RescueWorld)
	    world = world_resuming(RESCUE_MODE_RESTORE,
				   UNTIL_NOR "wait 60000\n" UNTIL_END "mode absent\n exit -1\n");
	const RescueRunResult *result;

	rescue_world_stop_after(world, 30000);
	rescue_world_then(world, "wait 5000\n mode recovery\n");
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpuint(rescue_world_count(world, "start"), ==, 0);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_CANCELLED);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/adopt/" #name, test_##name)
	TEST(living_engine_is_followed_to_its_end);
	TEST(engine_that_had_finished_is_confirmed);
	TEST(old_words_are_not_judged_by_the_mode_of_now);
	TEST(dead_engine_is_an_attempt);
	TEST(engine_that_never_ran_is_no_attempt);
	TEST(patience_counts_from_the_adoption);
	TEST(adopted_engine_is_guarded_while_it_flashes);
	TEST(stop_while_flashing_forbids_another_attempt);
#undef TEST
	return g_test_run();
}
