/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/fake/world.h"

/* A job that names no file: the firmware that is wished for is chosen, fetched, and given up for another. */

#define SUCCESS                                           \
	"> Found device in Recovery mode\n"               \
	"> Identified device as d22ap, iPhone10,3\n"      \
	"> Received SHSH blobs\n"                         \
	"> Sending iBEC (330 bytes)...\n"                 \
	"mode absent\n wait 300\n mode recovery\n"        \
	"> Sending RestoreKernelCache (330 bytes)...\n"   \
	"> Waiting for device to enter restore mode...\n" \
	"mode absent\n wait 800\n mode restore\n"         \
	"> About to restore device... \n"                 \
	"> Sending filesystem now...\n"                   \
	"> progress: 2 1.000000\n"                        \
	"> Done sending filesystem\n"                     \
	"> Status: Restore Finished\n"                    \
	"mode absent\n"                                   \
	"> DONE\n"                                        \
	"exit 0\n"

static RescueWorld *
world_with_success(void)
{
	RescueWorld *world = rescue_world_new(RESCUE_MODE_RECOVERY);

	rescue_world_engine_plays(world, SUCCESS);
	return world;
}

/* the calls without those that every event makes; caller frees */
static char *
calls_but_append(RescueWorld *world)
{
	g_auto(GStrv) parts = g_strsplit(rescue_world_calls(world), " append", -1);

	return g_strjoinv("", parts);
}

static void
test_latest_is_fetched_and_restored(void)
{
	g_autoptr(RescueWorld) world = world_with_success();
	const RescueRunResult *result;
	g_autofree char *calls = NULL;

	rescue_world_wants_latest(world, false);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	calls = calls_but_append(world);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_nonnull(strstr(calls, "list fetch inspect"));
}

/* catalogues are hours behind the signing server */
static void
test_latest_is_the_latest_that_is_signed(void)
{
	g_autoptr(RescueWorld) world = world_with_success();
	g_autofree char *calls = NULL;

	rescue_world_wants_latest(world, false);
	rescue_world_fail(world, "check_signing", 1, RESCUE_FAILURE_SIGNING_REFUSED);
	g_assert_cmpint(rescue_world_run(world, RESCUE_BEHAVIOR_ERASE)->outcome, ==,
			RESCUE_OUTCOME_RESTORED);
	calls = calls_but_append(world);
	g_assert_cmpuint(rescue_world_count(world, "fetch"), ==, 2);
	g_assert_cmpuint(rescue_world_count(world, "start"), ==, 1);
	g_assert_null(strstr(rescue_world_history(world), "failure:"));
}

/* nothing that is signed, or data that must not be lost to an older system: the refusal stands */
static void
test_latest_that_nobody_signs_touches_nothing(void)
{
	static const RescueBehavior behaviors[] = { RESCUE_BEHAVIOR_ERASE, RESCUE_BEHAVIOR_UPDATE };
	static const unsigned fetches[] = { 3, 1 };

	for (size_t i = 0; i < G_N_ELEMENTS(behaviors); i++) {
		g_autoptr(RescueWorld) world = world_with_success();
		const RescueRunResult *result;
		rescue_world_wants_latest(world, false);
		rescue_world_fail_between(world, "check_signing", 1, 0,
					  RESCUE_FAILURE_SIGNING_REFUSED);
		result = rescue_world_run(world, behaviors[i]);
		g_assert_cmpint(result->failure, ==, RESCUE_FAILURE_SIGNING_REFUSED);
		g_assert_cmpuint(rescue_world_count(world, "fetch"), ==, fetches[i]);
		g_assert_cmpuint(rescue_world_count(world, "start"), ==, 0);
	}
}

static void
test_download_that_breaks_off_is_taken_up_again(void)
{
	g_autoptr(RescueWorld) world = world_with_success();
	const RescueRunResult *result;

	rescue_world_wants_latest(world, false);
	rescue_world_fail(world, "fetch", 1, RESCUE_FAILURE_DOWNLOAD_FAILED);
	rescue_world_fail(world, "list", 1, RESCUE_FAILURE_CATALOGUE_UNREACHABLE);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_cmpstr(rescue_world_history(world), ==,
			"failure:catalogue-unreachable remedy:pause failure:download-failed "
			"remedy:pause done:restored");
}

static void
test_unusable_download_is_fetched_once_more(void)
{
	g_autoptr(RescueWorld) world = world_with_success();
	g_autoptr(RescueWorld) bad = world_with_success();
	const RescueRunResult *result;
	g_autofree char *calls = NULL;

	rescue_world_wants_latest(world, false);
	rescue_world_fail(world, "inspect", 1, RESCUE_FAILURE_FIRMWARE_DAMAGED);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	calls = calls_but_append(world);
	g_assert_nonnull(strstr(calls, "inspect fetch:distrust inspect"));
	g_assert_null(strstr(rescue_world_history(world), "failure:"));
	/* and not for ever */
	rescue_world_wants_latest(bad, false);
	rescue_world_fail_between(bad, "inspect", 1, 0, RESCUE_FAILURE_FIRMWARE_DAMAGED);
	result = rescue_world_run(bad, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->failure, ==, RESCUE_FAILURE_FIRMWARE_DAMAGED);
	g_assert_cmpuint(rescue_world_count(bad, "fetch"), ==, 2);
	g_assert_cmpuint(result->attempts, ==, 0);
}

/* ten gigabytes are not fetched to find out that they are of no use */
static void
test_large_firmware_is_looked_into_first(void)
{
	static const struct {
		const char *call; /* that fails first; NULL: none */
		RescueFailure failure;
		RescueSigned listed;
		const char *calls; /* the begin */
		unsigned fetches;
	} cases[] = {
		{ NULL, RESCUE_FAILURE_NONE, RESCUE_SIGNED_YES,
		  "list is_here inspect check_signing fetch inspect check_signing", 1 },
		{ "inspect", RESCUE_FAILURE_DOWNLOAD_FAILED, RESCUE_SIGNED_YES,
		  "list is_here inspect fetch inspect check_signing", 1 },
		{ "is_here", RESCUE_FAILURE_NONE, RESCUE_SIGNED_YES,
		  "list is_here fetch inspect check_signing", 1 },
		{ "check_signing", RESCUE_FAILURE_SIGNING_UNREACHABLE, RESCUE_SIGNED_NO,
		  "list is_here inspect check_signing fetch", 1 },
		{ "check_signing", RESCUE_FAILURE_SIGNING_REFUSED, RESCUE_SIGNED_YES,
		  "list is_here inspect check_signing fetch", 1 },
		{ "check_signing", RESCUE_FAILURE_SIGNING_REFUSED, RESCUE_SIGNED_NO,
		  "list is_here inspect check_signing", 0 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(RescueWorld) world = world_with_success();
		const RescueRunResult *result;
		g_autofree char *calls = NULL;
		rescue_world_wants_latest(world, false);
		rescue_world_firmware_is_large(world, cases[i].listed);
		if (cases[i].call != NULL)
			rescue_world_fail(world, cases[i].call, 1, cases[i].failure);
		result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
		calls = calls_but_append(world);
		g_assert_nonnull(strstr(calls, cases[i].calls));
		g_assert_cmpuint(rescue_world_count(world, "fetch"), ==, cases[i].fetches);
		g_assert_cmpint(result->failure, ==,
				cases[i].fetches > 0 ? RESCUE_FAILURE_NONE : cases[i].failure);
	}
}

static void
test_silent_download_ends_with_its_patience(void)
{
	g_autoptr(RescueWorld) world = world_with_success();
	const RescueRunResult *result;

	rescue_world_wants_latest(world, true);
	rescue_world_policy(world)->deadline_ms = 1000 * 1000;
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_GAVE_UP);
	g_assert_cmpuint(rescue_world_count(world, "end_fetch"), >=, 2);
	g_assert_false(rescue_world_engine_ran(world));
	g_assert_cmpint(rescue_world_ms(world), <=, 1001 * 1000);
}

static void
test_stop_ends_a_download(void)
{
	g_autoptr(RescueWorld) world = world_with_success();
	const RescueRunResult *result;

	rescue_world_wants_latest(world, false);
	rescue_world_stop_after(world, 4500);
	result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_CANCELLED);
	g_assert_cmpuint(rescue_world_count(world, "end_fetch"), ==, 1);
	g_assert_cmpint(rescue_world_ms(world), <, 6000);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/run/download/latest", test_latest_is_fetched_and_restored);
	g_test_add_func("/run/download/latest-signed", test_latest_is_the_latest_that_is_signed);
	g_test_add_func("/run/download/nothing-signed",
			test_latest_that_nobody_signs_touches_nothing);
	g_test_add_func("/run/download/again", test_download_that_breaks_off_is_taken_up_again);
	g_test_add_func("/run/download/unusable", test_unusable_download_is_fetched_once_more);
	g_test_add_func("/run/download/peek", test_large_firmware_is_looked_into_first);
	g_test_add_func("/run/download/silent", test_silent_download_ends_with_its_patience);
	g_test_add_func("/run/download/stop", test_stop_ends_a_download);
	return g_test_run();
}
