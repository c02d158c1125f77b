/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/fake/world.h"
#include "tests/unit/scripts.h"

/* What is changed between two tries, and what is asked of people. */

static void
test_phone_that_only_does_not_start_by_itself_needs_no_second_restore(void)
{
	g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);
	const RescueRunResult *result;

	rescue_world_then(world, "wait 5000\n mode recovery\n");
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(result->attempts, ==, 1);
	g_assert_nonnull(strstr(rescue_world_history(world), "remedy:repair-auto-boot"));
}

static void
test_engine_that_ends_without_a_word_gives_way_to_another(void)
{
	g_autoptr(RescueWorld) world = rescue_world_new(RESCUE_MODE_RECOVERY);
	const RescueRunResult *result;

	for (int i = 0; i < 3; i++) {
		rescue_world_engine_plays(world, "> Found device in Recovery mode\n exit 1\n");
		rescue_world_then(world, "mode recovery\n");
	}
	rescue_world_engine_plays(world, SUCCESS);
	rescue_world_then(world, BOOTS);
	rescue_world_has_engines(world, 1);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(rescue_world_count(world, "give_up_present"), ==, 1);
}

/* it left the bus and does not come back by itself: its port is switched off and on, no other */
static void
test_vanished_phone_is_brought_back_by_its_port(void)
{
	g_autoptr(RescueWorld)
	    world = world_with(UNTIL_FILESYSTEM "mode absent\n wait 1000\n" DROPPED, SUCCESS);
	const RescueRunResult *result;

	rescue_world_then(world, "");
	rescue_world_then(world, BOOTS);
	rescue_world_switches_port(world);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(rescue_world_count(world, "cycle"), ==, 1);
	g_assert_nonnull(strstr(rescue_world_history(world), "remedy:port-power-cycle"));
}

static void
test_forbidden_remedy_is_not_used(void)
{
	static const char *const never[] = { "port-power-cycle", NULL };
	g_autoptr(RescueWorld)
	    world = world_with(UNTIL_FILESYSTEM "mode absent\n wait 1000\n" DROPPED, SUCCESS);
	const RescueRunResult *result;

	rescue_world_then(world, "");
	rescue_world_switches_port(world);
	rescue_world_policy(world)->never = g_strdupv((char **)never);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_GAVE_UP);
	g_assert_cmpuint(rescue_world_count(world, "cycle"), ==, 0);
}

/* the words of an update that cannot mount the data; without consent nothing is erased, whatever is tried */
static void
test_update_becomes_an_erase_only_with_consent(void)
{
	for (unsigned consents = 0; consents <= RESCUE_CONSENT_ERASE;
	     consents += RESCUE_CONSENT_ERASE) {
		g_autoptr(RescueWorld) world =
		    world_with(UNTIL_BOOTX
			       "mode restore\n> About to restore device... \n"
			       "> Status: Failed to mount filesystems.\n"
			       "> ERROR: Unable to successfully restore device\n exit 255\n",
			       NULL);
		rescue_world_then(world, "mode recovery\n");
		rescue_world_policy(world)->consents = consents;
		(void)rescue_world_run(world, RESCUE_BEHAVIOR_UPDATE);
		bool switched = strstr(rescue_world_history(world), "remedy:switch-to-erase") !=
				NULL;
		g_assert_true(switched == (consents != 0));
		g_assert_true(rescue_world_erases(world) == (consents != 0));
	}
}

static void
test_dead_usbmuxd_is_restarted_when_nobody_else_needs_it(void)
{
	for (int may = 0; may <= 1; may++) {
		g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);
		const RescueRunResult *result;
		rescue_world_then(world, BOOTS);
		rescue_world_has_dead_usbmuxd(world, may);
		result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
		g_assert_cmpint(result->outcome, ==,
				may ? RESCUE_OUTCOME_RESTORED : RESCUE_OUTCOME_GAVE_UP);
		g_assert_cmpuint(rescue_world_count(world, "restart_usbmuxd"), ==, may);
	}
}

static void
test_cautious_policy_leaves_usbmuxd_alone(void)
{
	static const char *const never[] = { "restart-usbmuxd", NULL };
	g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);

	rescue_world_has_dead_usbmuxd(world, true);
	rescue_world_policy(world)->never = g_strdupv((char **)never);
	(void)rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpuint(rescue_world_count(world, "restart_usbmuxd"), ==, 0);
}

/* a transfer breaks off while others send, too: the next one has the bus to itself */
static void
test_next_attempt_has_the_bus_alone(void)
{
	static const char *const never[] = { "pause",           "reenter-recovery",
					     "wait-for-device", "autosuspend-off",
					     "reboot-device",   NULL };
	for (int crowded = 0; crowded <= 1; crowded++) {
		g_autoptr(RescueWorld) world = world_with(UNTIL_FILESYSTEM DROPPED, SUCCESS);
		const RescueRunResult *result;
		rescue_world_then(world, "mode recovery\n");
		rescue_world_then(world, BOOTS);
		rescue_world_bus_is_crowded(world, crowded * 90000);
		rescue_world_policy(world)->never = g_strdupv((char **)never);
		result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
		g_test_message("%s", rescue_world_history(world));
		g_assert_cmpint(result->outcome, ==,
				crowded ? RESCUE_OUTCOME_RESTORED : RESCUE_OUTCOME_GAVE_UP);
		g_assert_true((rescue_world_count(world, "take:alone") > 0) == crowded);
		g_assert_cmpuint(rescue_world_count(world, "share"), ==, crowded);
		if (crowded)
			g_assert_cmpint(rescue_world_ms(world), >=, 90000);
	}
}

static void
test_bus_that_somebody_has_alone_is_waited_for_and_not_for_ever(void)
{
	for (int much = 0; much <= 1; much++) {
		g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);
		const RescueRunResult *result;
		rescue_world_then(world, BOOTS);
		rescue_world_bus_is_claimed(world, much ? 3600000 : 40000);
		rescue_world_policy(world)->bus_ms = 60000;
		result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
		g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
		g_assert_cmpint(rescue_world_ms(world), >=, much ? 60000 : 40000);
		g_assert_cmpint(rescue_world_ms(world), <, much ? 120000 : 80000);
	}
}

#define STARVES                                                     \
	UNTIL_BOOTX "mode restore\n> About to restore device... \n" \
		    "> Waiting for battery to charge\n exit 255\n"

/* where it tells how full it is, by that; else a quarter of an hour */
static void
test_empty_battery_is_left_to_charge(void)
{
	for (int tells = 0; tells <= 1; tells++) {
		g_autoptr(RescueWorld) world = world_with(STARVES, SUCCESS);
		const RescueRunResult *result;
		rescue_world_then(world, tells ? "mode absent\n wait 2000\n mode normal\n"
					       : "mode absent\n wait 2000\n mode recovery\n");
		rescue_world_then(world, BOOTS);
		rescue_world_tells_battery(world, tells ? 10 : 0);
		result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
		g_test_message("%s, %d s", rescue_world_history(world),
			       (int)(rescue_world_ms(world) / 1000));
		g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
		g_assert_nonnull(strstr(rescue_world_history(world),
					"remedy:wait-for-charge operator:operator"));
		g_assert_true((rescue_world_ms(world) < 15 * 60000) == tells);
	}
}

static void
test_phone_in_ios_is_brought_to_recovery_before_the_engine(void)
{
	g_autoptr(RescueWorld) world = rescue_world_new(RESCUE_MODE_NORMAL);
	const RescueRunResult *result;

	rescue_world_engine_plays(world, SUCCESS);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(rescue_world_count(world, "act:enter-recovery"), ==, 1);
	g_assert_cmpuint(rescue_world_count(world, "pair"), ==, 1);
	g_assert_cmpstr(rescue_world_history(world), ==, "done:restored");
}

static void
test_question_of_trust_is_told_and_waited_for(void)
{
	g_autoptr(RescueWorld) world = rescue_world_new(RESCUE_MODE_NORMAL);
	const RescueRunResult *result;

	rescue_world_engine_plays(world, SUCCESS);
	rescue_world_trusts_after(world, 20000);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_cmpstr(rescue_world_history(world), ==, "operator:operator done:restored");
}

static void
test_question_that_nobody_answers_ends_the_job(void)
{
	g_autoptr(RescueWorld) world = rescue_world_new(RESCUE_MODE_NORMAL);
	const RescueRunResult *result;

	rescue_world_engine_plays(world, SUCCESS);
	rescue_world_trusts_after(world, 24 * 3600 * 1000);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->failure, ==, RESCUE_FAILURE_DEVICE_UNTRUSTED);
	g_assert_cmpint(result->exit_status, ==, 75);
	g_assert_cmpint(rescue_world_ms(world), <, 90000);
	g_assert_false(rescue_world_engine_ran(world));
}

static void
test_locked_phone_is_said_at_once(void)
{
	g_autoptr(RescueWorld) world = rescue_world_new(RESCUE_MODE_NORMAL);
	const RescueRunResult *result;

	rescue_world_engine_plays(world, SUCCESS);
	rescue_world_fail_between(world, "pair", 1, 0, RESCUE_FAILURE_DEVICE_LOCKED);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->failure, ==, RESCUE_FAILURE_DEVICE_LOCKED);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_NEEDS_OPERATOR);
	g_assert_cmpstr(rescue_world_history(world), ==,
			"failure:device-locked done:needs-operator");
	g_assert_cmpint(rescue_world_ms(world), <, 1000);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/recover/bounced/repaired",
			test_phone_that_only_does_not_start_by_itself_needs_no_second_restore);
	g_test_add_func("/recover/other-engine",
			test_engine_that_ends_without_a_word_gives_way_to_another);
	g_test_add_func("/recover/power-cycle", test_vanished_phone_is_brought_back_by_its_port);
	g_test_add_func("/recover/never", test_forbidden_remedy_is_not_used);
	g_test_add_func("/recover/usbmuxd",
			test_dead_usbmuxd_is_restarted_when_nobody_else_needs_it);
	g_test_add_func("/recover/usbmuxd/cautious", test_cautious_policy_leaves_usbmuxd_alone);
	g_test_add_func("/recover/bus/alone", test_next_attempt_has_the_bus_alone);
	g_test_add_func("/recover/bus/claimed",
			test_bus_that_somebody_has_alone_is_waited_for_and_not_for_ever);
	g_test_add_func("/recover/charge", test_empty_battery_is_left_to_charge);
	g_test_add_func("/recover/erase", test_update_becomes_an_erase_only_with_consent);
	g_test_add_func("/recover/trust/from-ios",
			test_phone_in_ios_is_brought_to_recovery_before_the_engine);
	g_test_add_func("/recover/trust/asked", test_question_of_trust_is_told_and_waited_for);
	g_test_add_func("/recover/trust/never", test_question_that_nobody_answers_ends_the_job);
	g_test_add_func("/recover/trust/locked", test_locked_phone_is_said_at_once);
	return g_test_run();
}
