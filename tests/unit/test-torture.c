/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/resume.h"
#include "tests/fake/torture.h"
#include "tests/unit/scripts.h"

/*
 * Every call that a job makes of its ports × {error, crash, timeout}, one by one and for good, in stories that need all
 * of them: always a documented end, nothing done that is not in the journal, nothing that nobody consented to. The
 * crash of the journal is the death of the supervisor: another one goes on from there.
 */

/* Of the calls of a slot in a story so many one by one, the others together; a supervisor dies after each event. */
#define EACH_UP_TO 8u

/* as in scripts.h with fewer lines: at each of them something is made to go wrong */
#define SHORT_UNTIL_BOOTX                                 \
	"> Found device in Recovery mode\n"               \
	"> Identified device as d22ap, iPhone10,3\n"      \
	"> Received SHSH blobs\n"                         \
	"> Sending iBEC (330 bytes)...\n"                 \
	"mode absent\n wait 300\n mode recovery\n"        \
	"> Sending RestoreRamDisk (330 bytes)...\n"       \
	"> Waiting for device to enter restore mode...\n" \
	"mode absent\n wait 800\n"
#define SHORT_UNTIL_FILESYSTEM                              \
	SHORT_UNTIL_BOOTX "mode restore\n"                  \
			  "> About to restore device... \n" \
			  "> Creating filesystem (12)\n"    \
			  "> About to send filesystem...\n" \
			  "> Sending filesystem now...\n"   \
			  "> progress: 2 0.470000\n"
#define FINISHES                                   \
	"> progress: 2 1.000000\n"                 \
	"> Done sending filesystem\n"              \
	"> Verifying restore (14)\n"               \
	"> About to send NORData...\n wait 4000\n" \
	"> Done sending NORData\n"                 \
	"> Got status message\n"                   \
	"> Status: Restore Finished\n"             \
	"mode absent\n"                            \
	"> DONE\n"                                 \
	"exit 0\n"
#define SHORT_SUCCESS SHORT_UNTIL_FILESYSTEM FINISHES
#define DROPS                                                                     \
	SHORT_UNTIL_FILESYSTEM "mode absent\n"                                    \
			       "> ERROR: Unable to send filesystem\n"             \
			       "> ERROR: Could not read data (-256). Aborting.\n" \
			       "exit 245\n"
#define OPTIONS "> idevicerestore: unrecognized option '--ecid'\n exit 255\n"
#define HANGS   SHORT_UNTIL_FILESYSTEM "> No data to read (timeout)\n"
#define STOPPED_WHILE_FLASHED         \
	SHORT_UNTIL_FILESYSTEM        \
	"> Done sending filesystem\n" \
	"> About to send NORData...\n wait 1000\n stop\n wait 1000\n" FINISHES
#define IS_BACK "wait 2000\n mode recovery\n"
#define REMAINS "wait 2000\n"

/* What happens in a story when nothing is made to go wrong. */
typedef struct {
	const char *name;
	RescueMode mode;
	RescueBehavior behavior;
	const char *engines[5], *thens[5];
	bool latest;
	const char *fails; /* this call, once */
	RescueFailure failure;
	int stop_ms; /* 0: nobody asks to */
	const RescueResume *resume;
	int trust_ms;
	bool large;         /* so is what is listed, and it is looked into before it is fetched */
	const char *begins; /* what the phone does from the beginning on; NULL: nothing */
	bool attended;      /* somebody can be asked */
	bool full;          /* the disk, for a while */
	int crowded_ms;     /* another job uses the bus; then this one goes first */
	bool mux_dead;      /* and may be restarted */
	bool of_line;       /* it waits for its turns */
	bool helpful;       /* its port can be switched, and there is another engine */
} Story;

static const Story stories[] = {
	{ .name = "erase",
	  .mode = RESCUE_MODE_RECOVERY,
	  .behavior = RESCUE_BEHAVIOR_ERASE,
	  .engines = { SHORT_SUCCESS },
	  .thens = { BOOTS } },
	{ .name = "update out of iOS",
	  .mode = RESCUE_MODE_NORMAL,
	  .behavior = RESCUE_BEHAVIOR_UPDATE,
	  .engines = { SHORT_SUCCESS },
	  .thens = { BOOTS },
	  .trust_ms = 5000 },
	{ .name = "cable",
	  .mode = RESCUE_MODE_RECOVERY,
	  .behavior = RESCUE_BEHAVIOR_ERASE,
	  .engines = { DROPS, SHORT_SUCCESS },
	  .thens = { IS_BACK, BOOTS } },
	{ .name = "cable, on a line",
	  .mode = RESCUE_MODE_RECOVERY,
	  .behavior = RESCUE_BEHAVIOR_ERASE,
	  .engines = { DROPS, SHORT_SUCCESS },
	  .thens = { IS_BACK, BOOTS },
	  .of_line = true },
	{ .name = "cable, update",
	  .mode = RESCUE_MODE_NORMAL,
	  .behavior = RESCUE_BEHAVIOR_UPDATE,
	  .engines = { DROPS, SHORT_SUCCESS },
	  .thens = { IS_BACK, BOOTS } },
	{ .name = "hanging engine",
	  .mode = RESCUE_MODE_RECOVERY,
	  .behavior = RESCUE_BEHAVIOR_ERASE,
	  .engines = { HANGS, SHORT_SUCCESS },
	  .thens = { REMAINS, BOOTS } },
	{ .name = "boot loader that is never taken",
	  .mode = RESCUE_MODE_NORMAL,
	  .behavior = RESCUE_BEHAVIOR_UPDATE,
	  .engines = { LOADER_FAILS },
	  .thens = { REMAINS } },
	{ .name = "boot loader that is never taken, with more to try",
	  .mode = RESCUE_MODE_RECOVERY,
	  .behavior = RESCUE_BEHAVIOR_ERASE,
	  .engines = { LOADER_FAILS },
	  .thens = { REMAINS },
	  .helpful = true },
	{ .name = "phone that stays away",
	  .mode = RESCUE_MODE_RECOVERY,
	  .behavior = RESCUE_BEHAVIOR_ERASE,
	  .engines = { DROPS, SHORT_SUCCESS },
	  .thens = { REMAINS, BOOTS },
	  .helpful = true },
	{ .name = "erase from DFU",
	  .mode = RESCUE_MODE_DFU,
	  .behavior = RESCUE_BEHAVIOR_ERASE,
	  .engines = { SHORT_SUCCESS },
	  .thens = { BOOTS } },
	{ .name = "erase of a phone left in its restore system",
	  .mode = RESCUE_MODE_RESTORE,
	  .behavior = RESCUE_BEHAVIOR_ERASE,
	  .engines = { SHORT_SUCCESS },
	  .thens = { BOOTS } },
	{ .name = "latest, large",
	  .mode = RESCUE_MODE_RECOVERY,
	  .behavior = RESCUE_BEHAVIOR_UPDATE,
	  .engines = { SHORT_SUCCESS },
	  .thens = { BOOTS },
	  .latest = true,
	  .large = true },
	{ .name = "options that the engine does not know",
	  .mode = RESCUE_MODE_RECOVERY,
	  .behavior = RESCUE_BEHAVIOR_UPDATE,
	  .engines = { OPTIONS, SHORT_SUCCESS },
	  .thens = { REMAINS, BOOTS },
	  .helpful = true },
	{ .name = "boot loader that is taken again",
	  .mode = RESCUE_MODE_RECOVERY,
	  .behavior = RESCUE_BEHAVIOR_UPDATE,
	  .engines = { LOADER_FAILS, SHORT_SUCCESS },
	  .thens = { REMAINS, BOOTS } },
	{ .name = "phone that comes back in recovery mode",
	  .mode = RESCUE_MODE_RECOVERY,
	  .behavior = RESCUE_BEHAVIOR_ERASE,
	  .engines = { SHORT_SUCCESS },
	  .thens = { "wait 20000\n mode recovery\n", BOOTS } },
	{ .name = "phone that never comes back",
	  .mode = RESCUE_MODE_RECOVERY,
	  .behavior = RESCUE_BEHAVIOR_ERASE,
	  .engines = { SHORT_SUCCESS },
	  .thens = { REMAINS } },
	{ .name = "refused build",
	  .mode = RESCUE_MODE_RECOVERY,
	  .behavior = RESCUE_BEHAVIOR_ERASE,
	  .engines = { SHORT_SUCCESS },
	  .thens = { BOOTS },
	  .fails = "check_signing",
	  .failure = RESCUE_FAILURE_SIGNING_REFUSED },
	{ .name = "latest",
	  .mode = RESCUE_MODE_RECOVERY,
	  .behavior = RESCUE_BEHAVIOR_ERASE,
	  .engines = { SHORT_SUCCESS },
	  .thens = { BOOTS },
	  .latest = true },
	{ .name = "latest, damaged",
	  .mode = RESCUE_MODE_RECOVERY,
	  .behavior = RESCUE_BEHAVIOR_UPDATE,
	  .engines = { SHORT_SUCCESS },
	  .thens = { BOOTS },
	  .latest = true,
	  .fails = "inspect",
	  .failure = RESCUE_FAILURE_FIRMWARE_DAMAGED },
	{ .name = "stopped download",
	  .mode = RESCUE_MODE_RECOVERY,
	  .behavior = RESCUE_BEHAVIOR_UPDATE,
	  .engines = { SHORT_SUCCESS },
	  .thens = { BOOTS },
	  .latest = true,
	  .stop_ms = 3000 },
	{ .name = "stopped unpacking",
	  .mode = RESCUE_MODE_RECOVERY,
	  .behavior = RESCUE_BEHAVIOR_UPDATE,
	  .engines = { SHORT_SUCCESS },
	  .thens = { BOOTS },
	  .stop_ms = 1500 },
	{ .name = "stopped while flashed",
	  .mode = RESCUE_MODE_RECOVERY,
	  .behavior = RESCUE_BEHAVIOR_ERASE,
	  .engines = { STOPPED_WHILE_FLASHED },
	  .thens = { BOOTS } },
	{ .name = "stopped before",
	  .mode = RESCUE_MODE_RECOVERY,
	  .behavior = RESCUE_BEHAVIOR_ERASE,
	  .engines = { SHORT_UNTIL_BOOTX "stop\n wait 5000\n" },
	  .thens = { IS_BACK } },
	{ .name = "phone that somebody plugs in elsewhere",
	  .mode = RESCUE_MODE_ABSENT,
	  .behavior = RESCUE_BEHAVIOR_ERASE,
	  .engines = { SHORT_SUCCESS },
	  .thens = { BOOTS },
	  .begins = "wait 30000\n port 1-3\n mode recovery\n",
	  .attended = true },
	{ .name = "disk that somebody makes room on",
	  .mode = RESCUE_MODE_RECOVERY,
	  .behavior = RESCUE_BEHAVIOR_UPDATE,
	  .engines = { SHORT_SUCCESS },
	  .thens = { BOOTS },
	  .attended = true,
	  .full = true },
	{ .name = "bus that is crowded",
	  .mode = RESCUE_MODE_RECOVERY,
	  .behavior = RESCUE_BEHAVIOR_UPDATE,
	  .engines = { LOADER_FAILS, LOADER_FAILS, LOADER_FAILS, LOADER_FAILS, SHORT_SUCCESS },
	  .thens = { REMAINS, REMAINS, REMAINS, REMAINS, BOOTS },
	  .crowded_ms = 120000 },
	{ .name = "usbmuxd that is dead",
	  .mode = RESCUE_MODE_RECOVERY,
	  .behavior = RESCUE_BEHAVIOR_ERASE,
	  .engines = { SHORT_SUCCESS },
	  .thens = { BOOTS },
	  .mux_dead = true },
	{ .name = "adopted engine",
	  .mode = RESCUE_MODE_RESTORE,
	  .behavior = RESCUE_BEHAVIOR_ERASE,
	  .engines = { SHORT_SUCCESS },
	  .thens = { BOOTS },
	  .resume = &rescue_world_one_attempt },
	{ .name = "adopted engine that hangs",
	  .mode = RESCUE_MODE_RESTORE,
	  .behavior = RESCUE_BEHAVIOR_UPDATE,
	  .engines = { HANGS, SHORT_SUCCESS },
	  .thens = { REMAINS, BOOTS },
	  .resume = &rescue_world_one_attempt },
};

static RescueWorld *
begin(const Story *story)
{
	RescueWorld *world = rescue_world_new(story->mode);

	for (size_t i = 0; i < G_N_ELEMENTS(story->engines) && story->engines[i] != NULL; i++)
		rescue_world_engine_plays(world, story->engines[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(story->thens) && story->thens[i] != NULL; i++)
		rescue_world_then(world, story->thens[i]);
	if (story->latest)
		rescue_world_wants_latest(world, false);
	if (story->fails != NULL)
		rescue_world_fail(world, story->fails, 1, story->failure);
	if (story->begins != NULL)
		rescue_world_begins(world, story->begins);
	if (story->attended)
		rescue_world_is_attended(world, "1-2");
	if (story->crowded_ms != 0)
		rescue_world_bus_is_crowded(world, story->crowded_ms);
	if (story->mux_dead)
		rescue_world_has_dead_usbmuxd(world, true);
	if (story->full) {
		rescue_world_fail_between(world, "prepare", 1, 0, RESCUE_FAILURE_NO_SPACE);
		rescue_world_fail_between(world, "check_space", 1, 3, RESCUE_FAILURE_NO_SPACE);
	}
	if (story->stop_ms != 0)
		rescue_world_stop_after(world, story->stop_ms);
	if (story->large)
		rescue_world_firmware_is_large(world, RESCUE_SIGNED_UNKNOWN);
	if (story->of_line) {
		rescue_world_joins_line(world, 3000);
		rescue_world_holds(world, 60000);
	}
	if (story->helpful) {
		rescue_world_switches_port(world);
		rescue_world_has_engines(world, 1);
	}
	if (story->trust_ms != 0)
		rescue_world_trusts_after(world, story->trust_ms);
	rescue_world_resumes(world, story->resume);
	return world;
}

static unsigned cases, resumed;
static bool struck[RESCUE_TORTURE_SLOTS][RESCUE_TORTURE_NOTHING];

static void
expect_no_breach(RescueTorture *torture, const RescueRunResult *result, const Story *story,
		 const RescueTortureSpec *spec)
{
	const char *breach = rescue_torture_judge(torture, result);

	cases++;
	if (breach == NULL)
		return;
	g_test_message("\"%s\", %s of %s, calls %u to %u: %s", story->name,
		       rescue_torture_fault_name(spec->fault), rescue_torture_slot_name(spec->slot),
		       spec->first, spec->last, breach);
	g_test_fail();
}

/* Another supervisor on the same journal: with the engine that lives on, or died with the first one. */
static void
take_over(const Story *story, const RescueTorture *before, const RescueTortureSpec *spec)
{
	static const RescueTortureSpec well = { .fault = RESCUE_TORTURE_NOTHING };
	g_autoptr(RescueWorld) world = rescue_world_new(rescue_torture_last_mode(before));
	g_autoptr(RescueTorture) torture = rescue_torture_new(world, &well, story->behavior);
	g_autoptr(RescueStory) told = rescue_story_read(rescue_torture_journal(before));
	g_autoptr(RescueJob) job = rescue_job_new();
	const RescueMoment now = { .boot_id = "fake", .boot_ms = 3600000, .wall_ms = 3600000 };

	job->ecid = told->ecid;
	job->behavior = story->behavior;
	job->wish.latest = story->latest;
	job->ipsw = story->latest ? NULL : g_strdup("/firmware/test.ipsw");
	rescue_policy_free(job->policy);
	job->policy = rescue_policy_copy(rescue_world_policy(world));
	if (story->latest)
		rescue_world_wants_latest(world, false);
	if (rescue_story_goes_on(told, job, &now)) {
		rescue_world_resumes(world, &told->resume);
		resumed++;
		if (told->resume.engine.pid != 0 && !rescue_torture_engine_lives(before))
			rescue_world_engine_plays(world, "exit -1\n");
	}
	rescue_world_engine_plays(world, SHORT_SUCCESS);
	expect_no_breach(torture, rescue_world_run(world, story->behavior), story, spec);
}

static unsigned
torment(const Story *story, const RescueTortureSpec *spec)
{
	g_autoptr(RescueWorld) world = begin(story);
	g_autoptr(RescueTorture) torture = rescue_torture_new(world, spec, story->behavior);

	if (g_test_verbose())
		g_test_message("\"%s\", %s of %s from %u", story->name,
			       rescue_torture_fault_name(spec->fault),
			       rescue_torture_slot_name(spec->slot), spec->first);
	expect_no_breach(torture, rescue_world_run(world, story->behavior), story, spec);
	if (g_test_verbose() && spec->fault == RESCUE_TORTURE_NOTHING)
		g_test_message("%s", rescue_world_history(world));
	if (rescue_torture_struck(torture))
		struck[spec->slot][spec->fault] = true;
	if (rescue_torture_supervisor_died(torture))
		take_over(story, torture, spec);
	return rescue_torture_count(torture, spec->slot);
}

/* One by one, and for good from the first on, and from where it is not one by one any more. */
static void
torment_calls(const Story *story, RescueTortureSlot slot, RescueTortureFault fault, unsigned calls)
{
	bool dies = slot == RESCUE_TORTURE_store_append && fault == RESCUE_TORTURE_CRASH;
	unsigned each = dies ? calls : MIN(calls, EACH_UP_TO);
	RescueTortureSpec spec = { slot, fault, 1, 0 };

	if (!dies)
		(void)torment(story, &spec);
	for (unsigned call = 1; call <= each; call++) {
		spec.first = spec.last = call;
		(void)torment(story, &spec);
	}
	if (calls <= each)
		return;
	spec.first = each + 1;
	spec.last = 0;
	(void)torment(story, &spec);
}

static void
torment_slot(const Story *story, RescueTortureSlot slot)
{
	const RescueTortureSpec well = { .slot = slot, .fault = RESCUE_TORTURE_NOTHING };
	unsigned calls = torment(story, &well);

	for (int fault = 0; calls > 0 && fault < RESCUE_TORTURE_NOTHING; fault++)
		torment_calls(story, slot, (RescueTortureFault)fault, calls);
}

static void
test_story(gconstpointer data)
{
	for (int slot = 0; slot < RESCUE_TORTURE_SLOTS; slot++)
		torment_slot(data, (RescueTortureSlot)slot);
}

/* Otherwise the stories do not need it any more, and nothing was shown of it. */
static void
test_every_slot_was_tortured(void)
{
	for (int slot = 0; slot < RESCUE_TORTURE_SLOTS; slot++)
		for (int fault = 0; fault < RESCUE_TORTURE_NOTHING; fault++) {
			if (struck[slot][fault] ||
			    !rescue_torture_slot_is_used((RescueTortureSlot)slot))
				continue;
			g_test_message("no story reaches the %s of %s",
				       rescue_torture_fault_name((RescueTortureFault)fault),
				       rescue_torture_slot_name((RescueTortureSlot)slot));
			g_test_fail();
		}
	g_test_message("%u runs, of which %u by a second supervisor", cases, resumed);
	g_assert_cmpuint(resumed, >, 0);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(stories); i++) {
		g_autofree char *path = g_strdup_printf("/torture/%s", stories[i].name);
		g_test_add_data_func(path, &stories[i], test_story);
	}
	g_test_add_func("/torture/every slot", test_every_slot_was_tortured);
	return g_test_run();
}
