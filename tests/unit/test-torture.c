/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "core/base/error.h"
#include "tests/fake/world.h"
#include "tests/unit/scripts.h"

/*
 * Every port call that any of these stories makes is made to fail, once or from then on: with an error, as a child that
 * crashed, and as one that ran into its deadline. Whatever happens, the job ends in one of the documented ways, no
 * engine is left behind, nothing is erased that was not to be, and nobody calls a phone restored that has not started.
 */

enum { FAR = 3 /* of each call so many are tried, one after the other */ };

typedef struct {
	const char *name;
	RescueMode mode;
	RescueBehavior behavior;
	void (*tell)(RescueWorld *world);
} Story;

static void
tell_success(RescueWorld *world)
{
	rescue_world_engine_plays(world, SUCCESS);
}

static void
tell_drop(RescueWorld *world)
{
	rescue_world_engine_plays(world, UNTIL_FILESYSTEM "mode absent\n" DROPPED);
	rescue_world_engine_plays(world, SUCCESS);
	rescue_world_then(world, "wait 2000\n mode recovery\n");
	rescue_world_then(world, BOOTS);
}

static void
tell_silence(RescueWorld *world)
{
	rescue_world_engine_plays(world, UNTIL_FILESYSTEM "> No data to read (timeout)\n");
	rescue_world_engine_plays(world, SUCCESS);
}

static void
tell_bounce(RescueWorld *world)
{
	rescue_world_engine_plays(world, SUCCESS);
	rescue_world_then(world, "wait 5000\n mode recovery\n");
	rescue_world_then(world, BOOTS);
}

static void
tell_vanished(RescueWorld *world)
{
	rescue_world_engine_plays(world, UNTIL_FILESYSTEM "mode absent\n wait 1000\n" DROPPED);
	rescue_world_engine_plays(world, SUCCESS);
	rescue_world_then(world, "");
	rescue_world_then(world, BOOTS);
	rescue_world_switches_port(world);
}

static void
tell_wordless(RescueWorld *world)
{
	for (int i = 0; i < 3; i++) {
		rescue_world_engine_plays(world, "> Found device in Recovery mode\n exit 1\n");
		rescue_world_then(world, "mode recovery\n");
	}
	rescue_world_engine_plays(world, SUCCESS);
	rescue_world_then(world, BOOTS);
	rescue_world_has_engines(world, 1);
}

static void
tell_latest(RescueWorld *world)
{
	rescue_world_engine_plays(world, SUCCESS);
	rescue_world_wants_latest(world, false);
}

static void
tell_stop(RescueWorld *world)
{
	rescue_world_engine_plays(world, UNTIL_FILESYSTEM "stop\n wait 60000\n");
}

static const Story stories[] = {
	{ "success", RESCUE_MODE_RECOVERY, RESCUE_BEHAVIOR_ERASE, tell_success },
	{ "from iOS", RESCUE_MODE_NORMAL, RESCUE_BEHAVIOR_ERASE, tell_success },
	{ "update", RESCUE_MODE_NORMAL, RESCUE_BEHAVIOR_UPDATE, tell_success },
	{ "from DFU", RESCUE_MODE_DFU, RESCUE_BEHAVIOR_ERASE, tell_success },
	{ "from restore", RESCUE_MODE_RESTORE, RESCUE_BEHAVIOR_ERASE, tell_success },
	{ "dropped", RESCUE_MODE_RECOVERY, RESCUE_BEHAVIOR_ERASE, tell_drop },
	{ "dropped update", RESCUE_MODE_RECOVERY, RESCUE_BEHAVIOR_UPDATE, tell_drop },
	{ "silent", RESCUE_MODE_RECOVERY, RESCUE_BEHAVIOR_ERASE, tell_silence },
	{ "bounced", RESCUE_MODE_RECOVERY, RESCUE_BEHAVIOR_ERASE, tell_bounce },
	{ "vanished", RESCUE_MODE_RECOVERY, RESCUE_BEHAVIOR_ERASE, tell_vanished },
	{ "wordless", RESCUE_MODE_RECOVERY, RESCUE_BEHAVIOR_ERASE, tell_wordless },
	{ "latest", RESCUE_MODE_RECOVERY, RESCUE_BEHAVIOR_ERASE, tell_latest },
	{ "stopped", RESCUE_MODE_RECOVERY, RESCUE_BEHAVIOR_ERASE, tell_stop },
};

typedef struct {
	const char *name;
	int failure; /* of the domain RESCUE_ERROR */
	int takes_ms;
	bool lasts;
} Hurt;

static const Hurt hurts[] = {
	{ "error", RESCUE_ERROR_HOST_IO, 0, false },
	{ "lasting error", RESCUE_ERROR_HOST_IO, 0, true },
	{ "crash", RESCUE_FAILURE_AGENT_CRASHED, 100, false },
	{ "lasting crash", RESCUE_FAILURE_AGENT_CRASHED, 100, true },
	{ "timeout", RESCUE_FAILURE_DEVICE_SILENT, 20000, false },
	{ "lasting timeout", RESCUE_FAILURE_DEVICE_SILENT, 20000, true },
};

static bool
is_documented(int status)
{
	static const int documented[] = { 0, 2, 3, 10, 11, 12, 13, 14, 75, 130 };

	for (size_t i = 0; i < G_N_ELEMENTS(documented); i++)
		if (documented[i] == status)
			return true;
	return false;
}

static RescueWorld *
begin(const Story *story)
{
	RescueWorld *world = rescue_world_new(story->mode);

	story->tell(world);
	return world;
}

static void
assert_sound_end(const Story *story, RescueWorld *world, const RescueRunResult *result)
{
	const RescuePolicy *policy = rescue_world_policy(world);
	int64_t longest_ms = policy->deadline_ms + 2 * policy->boot_ms + 3600 * 1000;

	g_assert_true(is_documented(result->exit_status));
	g_assert_false(rescue_world_engine_runs(world));
	g_assert_true(rescue_world_seqs_ascend(world));
	g_assert_true(story->behavior == RESCUE_BEHAVIOR_ERASE || !rescue_world_erases(world));
	g_assert_cmpint(rescue_world_ms(world), <, longest_ms);
	if (result->outcome == RESCUE_OUTCOME_RESTORED) {
		g_assert_cmpint(rescue_world_mode(world), ==, RESCUE_MODE_NORMAL);
		g_assert_cmpint(result->exit_status, ==, 0);
	}
	/* its end is in the journal, or it says why it is not */
	g_assert_true(strstr(rescue_world_history(world), "done:") != NULL ||
		      result->trouble != NULL);
}

static void
hurt(const Story *story, const char *call, unsigned nth, const Hurt *how)
{
	g_autoptr(RescueWorld) world = begin(story);
	const RescueRunResult *result;

	g_test_message("%s: %s of call %u of %s", story->name, how->name, nth, call);
	rescue_world_fails_after(world, how->takes_ms);
	rescue_world_fail_between(world, call, nth, how->lasts ? 0 : nth,
				  (RescueFailure)how->failure);
	result = rescue_world_run(world, story->behavior);
	assert_sound_end(story, world, result);
}

/* Every call that the story makes when nothing is hurt; caller frees. */
static GHashTable *
find_calls(const Story *story)
{
	GHashTable *calls = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(RescueWorld) world = begin(story);
	g_auto(GStrv) all = NULL;

	assert_sound_end(story, world, rescue_world_run(world, story->behavior));
	all = g_strsplit(rescue_world_calls(world), " ", -1);
	for (size_t i = 0; all[i] != NULL; i++)
		g_hash_table_add(calls, g_strdup(all[i]));
	return calls;
}

static void
torture(gconstpointer data)
{
	const Story *story = data;
	g_autoptr(GHashTable) calls = find_calls(story);
	GHashTableIter iter;
	gpointer call;
	unsigned runs = 0;

	g_hash_table_iter_init(&iter, calls);
	while (g_hash_table_iter_next(&iter, &call, NULL))
		for (unsigned nth = 1; nth <= FAR; nth++)
			for (size_t i = 0; i < G_N_ELEMENTS(hurts); i++, runs++)
				hurt(story, g_intern_string(call), nth, &hurts[i]);
	g_assert_cmpuint(runs, >=, FAR * G_N_ELEMENTS(hurts) * 8); /* it did make calls */
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(stories); i++) {
		g_autofree char *path = g_strdup_printf("/torture/%s", stories[i].name);
		g_test_add_data_func(path, &stories[i], torture);
	}
	return g_test_run();
}
