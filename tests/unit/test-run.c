/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/fake/world.h"
#include "tests/unit/scripts.h"

static void
test_restored_phone_is_seen_booted(void)
{
	g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);
	const RescueRunResult *result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);

	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_cmpint(result->exit_status, ==, 0);
	g_assert_cmpuint(result->attempts, ==, 1);
	g_assert_cmpstr(rescue_world_history(world), ==, "done:restored");
}

/* the n-th event of this name, from 0; NULL when there is none */
static const RescueJson *
find_event(const RescueWorld *world, const char *name, guint n)
{
	const GPtrArray *events = rescue_world_events(world);

	for (guint i = 0; i < events->len; i++)
		if (g_strcmp0(rescue_json_get_string(events->pdata[i], "event"), name) == 0 &&
		    n-- == 0)
			return events->pdata[i];
	return NULL;
}

static void
assert_facts(const RescueWorld *world, guint n, const char *when, const char *activation,
	     const char *find_my)
{
	const RescueJson *facts = find_event(world, "facts", n);

	g_assert_nonnull(facts);
	g_assert_cmpstr(rescue_json_get_string(facts, "when"), ==, when);
	g_assert_cmpstr(rescue_json_get_string(facts, "activation_state"), ==, activation);
	g_assert_cmpstr(rescue_json_get_string(facts, "find_my"), ==, find_my);
	g_assert_cmpstr(rescue_json_get_string(facts, "activation_lock"), ==, find_my);
	g_assert_true((rescue_json_get_string(facts, "why") != NULL) ==
		      g_str_equal(find_my, "unknown"));
}

static const RescueOwner somebody = { .asked = true,
				      .activation = (char *)"Activated",
				      .find_my = RESCUE_ANSWER_ON,
				      .activation_lock = RESCUE_ANSWER_ON };

static void
test_owner_is_warned_before_an_erase_and_unknown_after_it(void)
{
	g_autoptr(RescueWorld) world = rescue_world_new(RESCUE_MODE_NORMAL);
	const RescueJson *warning;
	int64_t warned = 0, begun = 0;

	rescue_world_engine_plays(world, SUCCESS);
	rescue_world_belongs_to(world, &somebody);
	g_assert_cmpint(rescue_world_run(world, RESCUE_BEHAVIOR_ERASE)->outcome, ==,
			RESCUE_OUTCOME_RESTORED);
	assert_facts(world, 0, "before", "Activated", "on");
	assert_facts(world, 1, "after", "Unactivated", "unknown");
	g_assert_null(find_event(world, "facts", 2));
	warning = find_event(world, "note", 0);
	g_assert_nonnull(strstr(rescue_json_get_string(warning, "text"), "Find My is on"));
	g_assert_true(rescue_json_get_int(warning, "seq", &warned));
	g_assert_true(rescue_json_get_int(find_event(world, "engine", 0), "seq", &begun));
	g_assert_cmpint(warned, <, begun);
}

static void
test_owner_is_asked_again_by_a_computer_that_is_trusted_now(void)
{
	g_autoptr(RescueWorld) world = rescue_world_new(RESCUE_MODE_NORMAL);

	rescue_world_engine_plays(world, SUCCESS);
	rescue_world_belongs_to(world, &somebody);
	rescue_world_trusts_after(world, 5000);
	g_assert_cmpint(rescue_world_run(world, RESCUE_BEHAVIOR_ERASE)->outcome, ==,
			RESCUE_OUTCOME_RESTORED);
	assert_facts(world, 0, "before", NULL, "unknown");
	assert_facts(world, 1, "before", "Activated", "on");
	assert_facts(world, 2, "after", "Unactivated", "unknown");
	g_assert_nonnull(find_event(world, "note", 0));
	g_assert_null(find_event(world, "note", 1));
}

static void
test_update_keeps_the_owner(void)
{
	g_autoptr(RescueWorld) world = rescue_world_new(RESCUE_MODE_NORMAL);

	rescue_world_engine_plays(world, SUCCESS);
	rescue_world_belongs_to(world, &somebody);
	g_assert_cmpint(rescue_world_run(world, RESCUE_BEHAVIOR_UPDATE)->outcome, ==,
			RESCUE_OUTCOME_RESTORED);
	assert_facts(world, 0, "before", "Activated", "on");
	assert_facts(world, 1, "after", "Activated", "on");
	g_assert_null(find_event(world, "note", 0));
}

static void
test_phone_that_begins_in_recovery_has_no_known_owner(void)
{
	g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);

	rescue_world_belongs_to(world, &somebody);
	(void)rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	assert_facts(world, 0, "before", NULL, "unknown");
	g_assert_cmpstr(rescue_json_get_string(find_event(world, "facts", 0), "mode"), ==,
			"recovery");
	g_assert_null(find_event(world, "note", 0));
}

static void
test_every_attempt_leaves_its_evidence(void)
{
	g_autoptr(RescueWorld)
	    world = world_with(UNTIL_FILESYSTEM "mode absent\n" DROPPED, SUCCESS);
	const RescueJson *lines;
	int64_t status = 0;

	rescue_world_then(world, "wait 2000\n mode recovery\n");
	rescue_world_then(world, BOOTS);
	(void)rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_true(
	    rescue_json_get_int(find_event(world, "evidence", 0), "exit_status", &status));
	g_assert_cmpint(status, ==, 245);
	lines = rescue_json_get(find_event(world, "evidence", 1), "lines");
	g_assert_cmpuint(rescue_json_length(lines), ==, 2);
	g_assert_cmpstr(rescue_json_get_string(rescue_json_at(lines, 0), "shows"), ==, "wipe");
	g_assert_cmpstr(rescue_json_get_string(rescue_json_at(lines, 1), "text"), ==,
			"Status: Restore Finished");
	g_assert_null(find_event(world, "evidence", 2));
}

static void
test_dropped_cable_is_waited_for_and_tried_again(void)
{
	g_autoptr(RescueWorld) world =
	    world_with(UNTIL_FILESYSTEM "> progress: 2 0.470000\n mode absent\n" DROPPED, SUCCESS);
	const RescueRunResult *result;

	rescue_world_then(world, "wait 2000\n mode recovery\n");
	rescue_world_then(world, BOOTS);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(result->attempts, ==, 2);
	g_assert_nonnull(strstr(rescue_world_history(world), "failure:"));
	g_assert_nonnull(strstr(rescue_world_history(world), "remedy:"));
	g_assert_cmpint(result->failure, !=, RESCUE_FAILURE_NONE);
	g_assert_cmpint(rescue_failure_info(result->failure)->category, ==, RESCUE_CATEGORY_USB);
}

static void
test_phone_back_in_recovery_after_bootx_is_a_failure_now(void)
{
	g_autoptr(RescueWorld)
	    world = world_with(UNTIL_BOOTX "mode recovery\n wait 180000\n exit 255\n", SUCCESS);
	const RescueRunResult *result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);

	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(rescue_world_count(world, "end"), ==, 1);
	g_assert_cmpint(rescue_world_ms(world), <, 60000); /* the engine would have waited 180 s */
}

static void
test_engine_that_says_nothing_more_is_ended(void)
{
	g_autoptr(RescueWorld)
	    world = world_with(UNTIL_FILESYSTEM "> No data to read (timeout)\n wait 30000\n"
						"> No data to read (timeout)\n",
			       SUCCESS);
	const RescueRunResult *result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);

	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(rescue_world_count(world, "end"), ==, 1);
	g_assert_cmpuint(rescue_world_count(world, "act:reboot"), >=, 1); /* out of restore mode */
}

static void
test_refused_signature_is_not_tried_again(void)
{
	g_autoptr(RescueWorld)
	    world = world_with("> Found device in Recovery mode\n> Trying to fetch new SHSH blob\n"
			       "> ERROR: TSS request failed (status=94, message=This device isn't "
			       "eligible for the requested build.)\n"
			       "> ERROR: Unable to get SHSH blobs for this device\n exit 255\n",
			       NULL);
	const RescueRunResult *result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);

	g_assert_cmpint(result->failure, ==, RESCUE_FAILURE_SIGNING_REFUSED);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_GAVE_UP);
	g_assert_cmpint(result->exit_status, ==, 10);
	g_assert_cmpuint(result->attempts, ==, 1);
	g_assert_nonnull(result->advice);
}

static void
test_lasting_fault_ends_with_its_category(void)
{
	g_autoptr(RescueWorld) world = world_with(UNTIL_FILESYSTEM "mode absent\n" DROPPED, NULL);
	const RescueRunResult *result;

	rescue_world_then(world, "wait 2000\n mode recovery\n");
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_GAVE_UP);
	g_assert_cmpint(result->exit_status, ==, 12);
	g_assert_cmpuint(result->attempts, >, 1);
	g_assert_cmpuint(result->attempts, <=, rescue_world_policy(world)->attempts);
}

static void
test_exit_zero_without_success_is_no_success(void)
{
	g_autoptr(RescueWorld)
	    world = world_with(UNTIL_FILESYSTEM
			       "> ERROR: Unable to successfully restore device\n> DONE\n exit 0\n",
			       SUCCESS);
	const RescueRunResult *result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);

	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(result->attempts, ==, 2);
}

static void
test_phone_that_bounces_to_recovery_is_not_restored(void)
{
	g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);
	const RescueRunResult *result;

	rescue_world_then(world, "wait 5000\n mode recovery\n");
	rescue_world_fail_between(world, "act:leave-recovery", 1, 0, RESCUE_FAILURE_DEVICE_SILENT);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_GAVE_UP);
	g_assert_cmpint(result->failure, ==, RESCUE_FAILURE_BOUNCED);
}

static void
test_phone_that_never_comes_back_is_not_called_restored(void)
{
	g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);
	const RescueRunResult *result;

	rescue_world_then(world, "");
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED_UNCONFIRMED);
	g_assert_cmpint(result->exit_status, ==, 75);
}

static void
test_stop_during_flashing_waits_for_its_end(void)
{
	g_autoptr(RescueWorld)
	    world = world_with(UNTIL_FILESYSTEM
			       "> About to send NORData...\n wait 60000\n"
			       "> Done sending NORData\n"
			       "> Status: Restore Finished\n mode absent\n exit 0\n",
			       NULL);
	const RescueRunResult *result;

	rescue_world_stop_after(world, 30000);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpuint(rescue_world_count(world, "end"), ==, 0);
	g_assert_nonnull(strstr(rescue_world_history(world), "operator:"));
	g_assert_cmpint(result->exit_status, !=, 1);
}

static void
test_stop_before_flashing_ends_the_engine(void)
{
	g_autoptr(RescueWorld) world = world_with(UNTIL_FILESYSTEM "wait 60000\n", NULL);
	const RescueRunResult *result;

	rescue_world_stop_after(world, 10000);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpuint(rescue_world_count(world, "end"), ==, 1);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_CANCELLED);
	g_assert_cmpint(result->exit_status, ==, 130);
}

/* the engine's word about the flashing comes after the deed, and is heard before anything is ended */
static void
test_stop_at_the_first_flashing_step_waits_for_its_end(void)
{
	g_autoptr(RescueWorld)
	    world = world_with(UNTIL_FILESYSTEM "stop\n wait 40\n> About to send NORData...\n"
						"wait 60000\n> Status: Restore Finished\n"
						"mode absent\n exit 0\n",
			       NULL);
	const RescueRunResult *result;

	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpuint(rescue_world_count(world, "catch_up"), ==, 1);
	g_assert_cmpuint(rescue_world_count(world, "end"), ==, 0);
	g_assert_nonnull(strstr(rescue_world_history(world), "operator:"));
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
}

static void
test_no_engine_without_a_journal(void)
{
	g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);
	const RescueRunResult *result;

	rescue_world_fail_between(world, "append", 3, 0, RESCUE_FAILURE_HOST_IO);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_GAVE_UP);
	g_assert_cmpint(result->failure, ==, RESCUE_FAILURE_HOST_IO);
	g_assert_nonnull(result->trouble);
	g_assert_false(rescue_world_engine_ran(world));
}

static void
test_journal_that_refuses_at_once_ends_the_job_at_once(void)
{
	g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);
	const RescueRunResult *result;

	rescue_world_fail_between(world, "append", 1, 0, RESCUE_FAILURE_HOST_IO);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->failure, ==, RESCUE_FAILURE_HOST_IO);
	g_assert_cmpint(result->exit_status, ==, 3);
	g_assert_cmpuint(rescue_world_count(world, "inspect"), ==, 0);
}

/* The number of the append that journals the first engine; what follows is said while it runs. */
static unsigned
appends_until_engine(void)
{
	g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);
	g_auto(GStrv) calls = NULL;
	unsigned count = 0;
	bool started = false;

	(void)rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	calls = g_strsplit(rescue_world_calls(world), " ", -1);
	for (size_t i = 0; calls[i] != NULL; i++) {
		bool append = g_str_equal(calls[i], "append");
		count += append;
		if (started && append)
			return count;
		started |= g_str_equal(calls[i], "start");
	}
	g_assert_not_reached();
	return 0;
}

static void
test_disk_that_fills_up_does_not_end_a_running_engine(void)
{
	g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);
	const RescueRunResult *result;

	rescue_world_fail_between(world, "append", appends_until_engine() + 1, 0,
				  RESCUE_FAILURE_HOST_IO);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_cmpint(result->exit_status, ==, 0);
	g_assert_cmpuint(rescue_world_count(world, "end"), ==, 0);
	g_assert_nonnull(strstr(result->trouble, "append was made to fail"));
	g_assert_cmpstr(rescue_world_history(world), ==, ""); /* nothing of it could be kept */
}

static void
test_disk_that_fills_up_ends_the_job_with_its_engine(void)
{
	g_autoptr(RescueWorld)
	    world = world_with(UNTIL_FILESYSTEM "mode absent\n" DROPPED, SUCCESS);
	const RescueRunResult *result;

	rescue_world_then(world, "wait 2000\n mode recovery\n");
	rescue_world_fail_between(world, "append", appends_until_engine() + 1, 0,
				  RESCUE_FAILURE_HOST_IO);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_GAVE_UP);
	g_assert_cmpint(result->failure, ==, RESCUE_FAILURE_HOST_IO);
	g_assert_cmpint(result->exit_status, ==, 3);
	g_assert_cmpuint(result->attempts, ==, 1);
}

/* What was refused is written, in order, as soon as there is room; then the job goes on as if nothing had been. */
static void
test_disk_that_has_room_again_gets_all_events(void)
{
	g_autoptr(RescueWorld) world =
	    world_with(UNTIL_FILESYSTEM "> progress: 2 0.470000\n mode absent\n" DROPPED, SUCCESS);
	unsigned first = appends_until_engine() + 1;
	const RescueRunResult *result;

	rescue_world_then(world, "wait 2000\n mode recovery\n");
	rescue_world_then(world, BOOTS);
	rescue_world_fail_between(world, "append", first, first + 3, RESCUE_FAILURE_HOST_IO);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(result->attempts, ==, 2);
	g_assert_null(result->trouble);
	g_assert_true(rescue_world_seqs_ascend(world));
	g_assert_true(g_str_has_suffix(rescue_world_history(world), "done:restored"));
}

/* The engine's words go to the same disk: its silence is no proof then, and its last words may never be read. */
static void
test_silent_engine_on_a_full_disk_is_not_ended_while_it_may_flash(void)
{
	g_autoptr(RescueWorld)
	    world = world_with(UNTIL_FILESYSTEM "> Done sending filesystem\n"
						"> Verifying restore (14)\n"
						"> About to send NORData...\n"
						"wait 1500000\n mode absent\n exit 0\n",
			       NULL);
	const RescueRunResult *result;

	rescue_world_then(world, "wait 20000\n mode normal\n");
	rescue_world_fail_between(world, "append", appends_until_engine() + 1, 0,
				  RESCUE_FAILURE_HOST_IO);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpuint(rescue_world_count(world, "end"), ==, 0);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_nonnull(result->trouble);
}

static void
test_engine_that_hangs_on_a_full_disk_is_ended_in_the_end(void)
{
	g_autoptr(RescueWorld)
	    world = world_with(UNTIL_FILESYSTEM "> About to send NORData...\n", NULL);
	const RescueRunResult *result;

	rescue_world_fail_between(world, "append", appends_until_engine() + 1, 0,
				  RESCUE_FAILURE_HOST_IO);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpuint(rescue_world_count(world, "end"), ==, 1);
	g_assert_cmpint(rescue_world_ms(world), >=, 4 * 600 * 1000);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_GAVE_UP);
}

static void
test_wall_clock_that_jumps_changes_no_duration(void)
{
	static const int64_t jumps_ms[] = { 0, -INT64_C(400) * 86400 * 1000,
					    INT64_C(400) * 86400 * 1000 };
	double seconds = -1;

	for (size_t i = 0; i < G_N_ELEMENTS(jumps_ms); i++) {
		g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);
		const RescueRunResult *result;
		rescue_world_wall_jumps(world, jumps_ms[i]);
		result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
		g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
		g_assert_true(rescue_world_seqs_ascend(world));
		if (i > 0)
			g_assert_cmpfloat(rescue_world_seconds(world), ==, seconds);
		seconds = rescue_world_seconds(world);
		g_assert_cmpfloat(seconds, >, 0);
	}
}

static void
test_update_called_erase_is_done_by_the_newer_engine_only(void)
{
	g_autoptr(RescueWorld) old = world_with(SUCCESS, NULL);
	g_autoptr(RescueWorld) newer = world_with(SUCCESS, NULL);
	const RescueRunResult *result;

	rescue_world_update_called_erase(old, RESCUE_PICKS_BY_BEHAVIOR);
	result = rescue_world_run(old, RESCUE_BEHAVIOR_UPDATE);
	g_assert_cmpint(result->failure, ==, RESCUE_FAILURE_ENGINE_TOO_OLD);
	g_assert_cmpint(result->exit_status, ==, 14);
	g_assert_false(rescue_world_engine_ran(old));
	rescue_world_update_called_erase(newer, RESCUE_PICKS_BY_VARIANT);
	result = rescue_world_run(newer, RESCUE_BEHAVIOR_UPDATE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
}

/* Each port call fails once, at each of its first four calls: always a documented end, and no engine left behind. */
static void
test_every_call_may_fail(void)
{
	static const char *const calls[] = {
		"check_usbmuxd", "probe",   "query",      "inspect",          "check_signing",
		"check_space",   "start",   "act:reboot", "act:autoboot-off", "act:leave-recovery",
		"append",        "prepare",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
		for (unsigned nth = 1; nth <= 4; nth++) {
			g_autoptr(RescueWorld)
			    world = world_with(UNTIL_FILESYSTEM
					       "> progress: 2 0.470000\n mode absent\n" DROPPED,
					       SUCCESS);
			rescue_world_then(world, "wait 2000\n mode recovery\n");
			rescue_world_then(world, BOOTS);
			rescue_world_fail(world, calls[i], nth, RESCUE_FAILURE_HOST_IO);
			const RescueRunResult *result = rescue_world_run(world,
									 RESCUE_BEHAVIOR_ERASE);
			g_assert_cmpuint(result->attempts, <=,
					 rescue_world_policy(world)->attempts);
			if (result->outcome != RESCUE_OUTCOME_RESTORED)
				g_assert_cmpint(result->failure, !=, RESCUE_FAILURE_NONE);
		}
	}
}

static void
test_engine_gets_its_image_unpacked(void)
{
	g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);

	g_assert_cmpint(rescue_world_run(world, RESCUE_BEHAVIOR_ERASE)->outcome, ==,
			RESCUE_OUTCOME_RESTORED);
	g_assert_true(rescue_world_engine_got_image(world));
	g_assert_cmpuint(rescue_world_asked_bytes(world), ==, 0);
	/* what costs seconds comes behind what costs a request */
	g_assert_nonnull(strstr(strstr(rescue_world_calls(world), "check_signing"), " prepare "));
}

/* of a file that nobody has digested, its bytes are looked at all the same, before the device is touched */
static void
test_stored_image_needs_no_unpacking(void)
{
	g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);
	g_autoptr(RescueWorld) fetched = world_with(SUCCESS, NULL);
	g_autoptr(RescueWorld) damaged = world_with(SUCCESS, NULL);
	const RescueRunResult *result;

	rescue_world_stores_image(world);
	g_assert_cmpint(rescue_world_run(world, RESCUE_BEHAVIOR_ERASE)->outcome, ==,
			RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(rescue_world_count(world, "prepare"), ==, 1);
	g_assert_false(rescue_world_engine_got_image(world));
	g_assert_cmpuint(rescue_world_asked_bytes(world), ==, 0);
	rescue_world_stores_image(fetched);
	rescue_world_wants_latest(fetched, false);
	g_assert_cmpint(rescue_world_run(fetched, RESCUE_BEHAVIOR_ERASE)->outcome, ==,
			RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(rescue_world_count(fetched, "prepare"), ==, 0);
	rescue_world_stores_image(damaged);
	rescue_world_fail(damaged, "prepare", 1, RESCUE_FAILURE_FIRMWARE_DAMAGED);
	result = rescue_world_run(damaged, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->failure, ==, RESCUE_FAILURE_FIRMWARE_DAMAGED);
	g_assert_cmpuint(rescue_world_count(damaged, "start"), ==, 0);
}

/* and when that cannot be done, no room is asked for that the engine does not need */
static void
test_stored_image_that_cannot_be_read_is_left_to_the_engine(void)
{
	g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);

	rescue_world_stores_image(world);
	rescue_world_fail(world, "prepare", 1, (RescueFailure)RESCUE_FAILURE_HOST_IO);
	g_assert_cmpint(rescue_world_run(world, RESCUE_BEHAVIOR_ERASE)->outcome, ==,
			RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(rescue_world_asked_bytes(world), ==, 0);
}

static void
test_image_that_cannot_be_unpacked_for_all_is_left_to_the_engine(void)
{
	static const int reasons[] = { RESCUE_FAILURE_NO_SPACE, RESCUE_FAILURE_HOST_IO };

	for (size_t i = 0; i < G_N_ELEMENTS(reasons); i++) {
		g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);
		rescue_world_fail(world, "prepare", 1, (RescueFailure)reasons[i]);
		g_assert_cmpint(rescue_world_run(world, RESCUE_BEHAVIOR_ERASE)->outcome, ==,
				RESCUE_OUTCOME_RESTORED);
		g_assert_false(rescue_world_engine_got_image(world));
		g_assert_cmpuint(rescue_world_asked_bytes(world), >, 0);
		g_assert_null(strstr(rescue_world_history(world), "failure:"));
	}
}

static void
test_image_without_room_anywhere_touches_nothing(void)
{
	g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);
	const RescueRunResult *result;

	rescue_world_fail_between(world, "prepare", 1, 0, RESCUE_FAILURE_NO_SPACE);
	rescue_world_fail_between(world, "check_space", 1, 0, RESCUE_FAILURE_NO_SPACE);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->failure, ==, RESCUE_FAILURE_NO_SPACE);
	g_assert_cmpuint(rescue_world_count(world, "start"), ==, 0);
}

static void
test_damaged_image_is_fetched_again(void)
{
	g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);
	g_autoptr(RescueWorld) named = world_with(SUCCESS, NULL);
	const RescueRunResult *result;

	rescue_world_wants_latest(world, false);
	rescue_world_fail(world, "prepare", 1, RESCUE_FAILURE_FIRMWARE_DAMAGED);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(rescue_world_count(world, "fetch"), ==, 2);
	g_assert_cmpuint(rescue_world_count(world, "prepare"), ==, 2);
	g_assert_nonnull(strstr(rescue_world_calls(world), "fetch:distrust"));
	rescue_world_fail(named, "prepare", 1, RESCUE_FAILURE_FIRMWARE_DAMAGED);
	result = rescue_world_run(named, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->failure, ==, RESCUE_FAILURE_FIRMWARE_DAMAGED);
	g_assert_cmpuint(rescue_world_count(named, "start"), ==, 0);
}

static void
test_stop_while_unpacking_ends_the_job(void)
{
	g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);
	const RescueRunResult *result;

	rescue_world_stop_after(world, 1500);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_CANCELLED);
	g_assert_cmpuint(rescue_world_count(world, "start"), ==, 0);
}

static void
test_refused_build_leaves_the_phone_untouched(void)
{
	g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);
	const RescueRunResult *result;

	rescue_world_fail_between(world, "check_signing", 1, 0, RESCUE_FAILURE_SIGNING_REFUSED);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->failure, ==, RESCUE_FAILURE_SIGNING_REFUSED);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_GAVE_UP);
	g_assert_cmpint(result->phase, ==, RESCUE_PHASE_PERSONALIZE);
	g_assert_cmpint(result->exit_status, ==, 10);
	g_assert_cmpuint(result->attempts, ==, 0);
	g_assert_cmpuint(rescue_world_count(world, "start"), ==, 0);
	g_assert_cmpuint(rescue_world_count(world, "confirm_refusal"), ==, 1);
}

static void
test_refusal_of_our_request_alone_does_not_count(void)
{
	g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);
	const RescueRunResult *result;

	rescue_world_fail(world, "check_signing", 1, RESCUE_FAILURE_SIGNING_REFUSED);
	rescue_world_fail(world, "confirm_refusal", 1, RESCUE_FAILURE_SIGNING_REFUSED);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_null(strstr(rescue_world_history(world), "failure:"));
}

static void
test_signing_server_that_comes_back_is_waited_for(void)
{
	g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);
	const RescueRunResult *result;

	rescue_world_fail(world, "check_signing", 1, RESCUE_FAILURE_SIGNING_UNREACHABLE);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(rescue_world_count(world, "check_signing"), ==, 2);
	g_assert_cmpuint(rescue_world_count(world, "inspect"), ==, 1);
	g_assert_true(g_str_has_prefix(rescue_world_history(world),
				       "failure:signing-unreachable remedy:pause"));
}

static void
test_engine_may_reach_what_we_cannot(void)
{
	g_autoptr(RescueWorld) world = world_with(SUCCESS, NULL);
	const RescueRunResult *result;

	rescue_world_fail_between(world, "check_signing", 1, 0, RESCUE_FAILURE_SIGNING_INTERCEPTED);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(rescue_world_count(world, "check_signing"), ==, 2);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/run/restored-phone-is-seen-booted", test_restored_phone_is_seen_booted);
	g_test_add_func("/run/facts/erase",
			test_owner_is_warned_before_an_erase_and_unknown_after_it);
	g_test_add_func("/run/facts/trusted",
			test_owner_is_asked_again_by_a_computer_that_is_trusted_now);
	g_test_add_func("/run/facts/update", test_update_keeps_the_owner);
	g_test_add_func("/run/facts/recovery",
			test_phone_that_begins_in_recovery_has_no_known_owner);
	g_test_add_func("/run/evidence", test_every_attempt_leaves_its_evidence);
	g_test_add_func("/run/dropped-cable", test_dropped_cable_is_waited_for_and_tried_again);
	g_test_add_func("/run/back-in-recovery-after-bootx",
			test_phone_back_in_recovery_after_bootx_is_a_failure_now);
	g_test_add_func("/run/silent-engine", test_engine_that_says_nothing_more_is_ended);
	g_test_add_func("/run/update-called-erase",
			test_update_called_erase_is_done_by_the_newer_engine_only);
	g_test_add_func("/run/refused-signature", test_refused_signature_is_not_tried_again);
	g_test_add_func("/run/lasting-fault", test_lasting_fault_ends_with_its_category);
	g_test_add_func("/run/exit-zero", test_exit_zero_without_success_is_no_success);
	g_test_add_func("/run/bounced", test_phone_that_bounces_to_recovery_is_not_restored);
	g_test_add_func("/run/never-back", test_phone_that_never_comes_back_is_not_called_restored);
	g_test_add_func("/run/stop-while-flashing", test_stop_during_flashing_waits_for_its_end);
	g_test_add_func("/run/stop-before-flashing", test_stop_before_flashing_ends_the_engine);
	g_test_add_func("/run/stop-at-first-flashing",
			test_stop_at_the_first_flashing_step_waits_for_its_end);
	g_test_add_func("/run/no-journal-no-engine", test_no_engine_without_a_journal);
	g_test_add_func("/run/journal-refuses-at-once",
			test_journal_that_refuses_at_once_ends_the_job_at_once);
	g_test_add_func("/run/disk-full/engine-goes-on",
			test_disk_that_fills_up_does_not_end_a_running_engine);
	g_test_add_func("/run/disk-full/job-ends",
			test_disk_that_fills_up_ends_the_job_with_its_engine);
	g_test_add_func("/run/disk-full/room-again", test_disk_that_has_room_again_gets_all_events);
	g_test_add_func("/run/disk-full/silent",
			test_silent_engine_on_a_full_disk_is_not_ended_while_it_may_flash);
	g_test_add_func("/run/disk-full/hangs",
			test_engine_that_hangs_on_a_full_disk_is_ended_in_the_end);
	g_test_add_func("/run/wall-clock-jumps", test_wall_clock_that_jumps_changes_no_duration);
	g_test_add_func("/run/signing/refused", test_refused_build_leaves_the_phone_untouched);
	g_test_add_func("/run/signing/only-ours", test_refusal_of_our_request_alone_does_not_count);
	g_test_add_func("/run/signing/outage", test_signing_server_that_comes_back_is_waited_for);
	g_test_add_func("/run/signing/engine-reaches", test_engine_may_reach_what_we_cannot);
	g_test_add_func("/run/every-call-may-fail", test_every_call_may_fail);
	g_test_add_func("/run/image/unpacked", test_engine_gets_its_image_unpacked);
	g_test_add_func("/run/image/stored", test_stored_image_needs_no_unpacking);
	g_test_add_func("/run/image/stored-unread",
			test_stored_image_that_cannot_be_read_is_left_to_the_engine);
	g_test_add_func("/run/image/left-to-engine",
			test_image_that_cannot_be_unpacked_for_all_is_left_to_the_engine);
	g_test_add_func("/run/image/no-room", test_image_without_room_anywhere_touches_nothing);
	g_test_add_func("/run/image/damaged", test_damaged_image_is_fetched_again);
	g_test_add_func("/run/image/stop", test_stop_while_unpacking_ends_the_job);
	return g_test_run();
}
