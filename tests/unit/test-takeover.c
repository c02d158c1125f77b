/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/takeover.h"

#include <glib/gstdio.h>
#include <string.h>

#include "core/model/event.h"
#include "core/process/lock.h"
#include "core/remedy/remedy.h"
#include "core/store/journal.h"
#include "tests/unit/scratch.h"

#define ECID     0x000A1B2C3D4E5F60
#define STARTED  INT64_C(1795255440000000) /* 2026-11-21T10:04:00Z */
#define MINUTE   INT64_C(60000)            /* ms */
#define YEAR     (INT64_C(365) * 24 * 60 * MINUTE)
#define NOBODY   4194304 /* beyond the largest process id */
#define JOB_NAME "20261121T100400-0000002a"

/* A state folder with the journal of one job, and a wish. */
typedef struct {
	char *dir;
	RescueJournal *journal;
	RescueJob *wish;
	RescueStory *story;
	uint64_t seq;
} Bench;

/* When the job of the bench began. */
static const RescueMoment began = { .boot_id = "here",
				    .boot_ms = INT64_C(5000000),
				    .wall_ms = STARTED / 1000 };

static RescueJson *
make_job_event(const RescueJob *job, const RescueMoment *moment)
{
	RescueJson *event = rescue_event_job(job);

	rescue_moment_write(moment, event);
	return event;
}

static void
note(Bench *bench, RescueJson *body)
{
	g_autoptr(RescueJson) owned = body;
	g_autoptr(RescueJson)
	    event = rescue_event_stamp(owned, ++bench->seq, STARTED, JOB_NAME, ECID);

	g_assert_true(rescue_journal_append(bench->journal, event, NULL));
}

static void
note_words(Bench *bench, const char *event, const char *key, const char *value, const char *outcome)
{
	RescueJson *body = rescue_json_object_new();

	rescue_json_set_string(body, "event", event);
	rescue_json_set_string(body, key, value);
	rescue_json_set_string(body, "phase", strcmp(event, "failure") == 0 ? "filesystem" : NULL);
	rescue_json_set_string(body, "outcome", outcome);
	note(bench, body);
}

static void
note_engine(Bench *bench, pid_t pid, uint64_t start_time)
{
	RescueJson *body = rescue_json_object_new();

	rescue_json_set_string(body, "event", "engine");
	rescue_json_set_int(body, "attempt", 1);
	rescue_json_set_int(body, "pid", pid);
	rescue_json_set_int(body, "start_time", (int64_t)start_time);
	rescue_json_set_string(body, "transcript", "/nowhere/transcript.log");
	rescue_json_set_string(body, "version", "1.0.0");
	note(bench, body);
	note(bench, rescue_event_attempt(1, "1.0.0", NULL));
}

static void
bench_init(Bench *bench)
{
	*bench = (Bench){ .dir = g_dir_make_tmp("rescue-takeover-XXXXXX", NULL),
			  .wish = rescue_job_new() };
	g_autofree char *locks = g_build_filename(bench->dir, "lock", NULL);
	g_autofree char *path = rescue_journal_path(bench->dir, JOB_NAME, NULL);
	g_autofree char *job_dir = rescue_journal_make_job_dir(bench->dir, JOB_NAME, NULL);

	g_assert_nonnull(job_dir);
	g_setenv("IDEVICERESCUE_LOCK_DIR", locks, TRUE);
	bench->wish->ecid = ECID;
	bench->wish->id = g_strdup(JOB_NAME);
	bench->wish->ipsw = g_strdup("/firmware/a.ipsw");
	bench->wish->behavior = RESCUE_BEHAVIOR_ERASE;
	bench->journal = rescue_journal_open(path, NULL);
	note(bench, make_job_event(bench->wish, &began));
}

static void
bench_clear(Bench *bench)
{
	rescue_story_free(bench->story);
	rescue_journal_close(bench->journal);
	rescue_job_free(bench->wish);
	remove_tree(bench->dir);
	g_free(bench->dir);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Bench, bench_clear)

static bool
finds_at(Bench *bench, const RescueMoment *now)
{
	rescue_story_free(bench->story);
	bench->story = rescue_takeover_find(bench->dir, bench->wish, now);
	return bench->story != NULL;
}

static bool
finds_after(Bench *bench, int64_t age_ms)
{
	const RescueMoment now = { .boot_id = "here",
				   .boot_ms = began.boot_ms + age_ms,
				   .wall_ms = began.wall_ms + age_ms };

	return finds_at(bench, &now);
}

static void
test_job_without_an_end_is_gone_on_with(void)
{
	g_auto(Bench) bench;

	bench_init(&bench);
	note(&bench, rescue_event_step(RESCUE_PHASE_DETECT, true));
	g_assert_false(finds_after(&bench, MINUTE)); /* nothing was begun yet */
	note_engine(&bench, NOBODY, 7);
	note(&bench, rescue_event_step(RESCUE_PHASE_FILESYSTEM, true));
	g_assert_true(finds_after(&bench, MINUTE));
	const RescueResume *resume = &bench.story->resume;
	g_assert_cmpint(resume->engine.pid, ==, NOBODY);
	g_assert_cmpuint(resume->attempts, ==, 1);
	g_assert_cmpuint(resume->seq, ==, bench.seq);
	g_assert_true(resume->erased);
	g_assert_true(resume->reached_restore);
	g_assert_cmpint(resume->spent_ms, ==, 60 * 1000);
}

static void
test_only_the_same_wish_goes_on(void)
{
	g_auto(Bench) bench;

	bench_init(&bench);
	note_engine(&bench, NOBODY, 7);
	g_assert_true(finds_after(&bench, MINUTE));
	bench.wish->dry_run = true;
	g_assert_false(finds_after(&bench, MINUTE));
	bench.wish->dry_run = false;
	bench.wish->behavior = RESCUE_BEHAVIOR_UPDATE;
	g_assert_false(finds_after(&bench, MINUTE));
	bench.wish->behavior = RESCUE_BEHAVIOR_ERASE;
	bench.wish->ecid = ECID + 1;
	g_assert_false(finds_after(&bench, MINUTE));
}

static void
test_job_beyond_its_deadline_or_done_is_over(void)
{
	g_auto(Bench) bench;

	bench_init(&bench);
	note_engine(&bench, NOBODY, 7);
	g_assert_false(finds_after(&bench, bench.wish->policy->deadline_ms + MINUTE));
	note_words(&bench, "done", "failure", NULL, "cancelled");
	g_assert_false(finds_after(&bench, MINUTE));
}

static void
test_engine_is_judged_again_until_a_remedy_took_effect(void)
{
	g_auto(Bench) bench;

	bench_init(&bench);
	note_engine(&bench, NOBODY, 7);
	note(&bench, rescue_event_attempt(1, "1.0.0", "adopted"));
	g_assert_true(finds_after(&bench, MINUTE));
	g_assert_cmpint(bench.story->resume.engine.pid, ==, NOBODY);
	note(&bench, rescue_event_attempt(1, "1.0.0", "failed"));
	note_words(&bench, "failure", "failure", "usb-link-dropped", NULL);
	note_words(&bench, "remedy", "name", "reboot-device", NULL);
	g_assert_true(finds_after(&bench, MINUTE));
	g_assert_cmpint(bench.story->resume.engine.pid, ==, NOBODY);
	g_assert_cmpuint(bench.story->resume.tried->len, ==, 0); /* it may not have been done */
	note_words(&bench, "remedy", "name", "reboot-device", "no-effect");
	note_words(&bench, "remedy", "name", "wait-for-device", NULL);
	note_words(&bench, "remedy", "name", "wait-for-device", "took-effect");
	g_assert_true(finds_after(&bench, MINUTE));
	g_assert_cmpint(bench.story->resume.engine.pid, ==, 0);
	g_assert_cmpuint(bench.story->resume.attempts, ==, 1);
	g_assert_cmpuint(bench.story->resume.tried->len, ==, 2);
	const RescueTried *last = &g_array_index(bench.story->resume.tried, RescueTried, 1);
	g_assert_cmpint(last->remedy, ==, RESCUE_REMEDY_WAIT_DEVICE);
	g_assert_cmpint(last->phase, ==, RESCUE_PHASE_FILESYSTEM);
	g_assert_true(last->took_effect);
}

static void
test_engine_that_never_ran_is_not_counted(void)
{
	g_auto(Bench) bench;

	bench_init(&bench);
	note_engine(&bench, NOBODY, 7);
	note(&bench, rescue_event_attempt(1, "1.0.0", "adopted"));
	note(&bench, rescue_event_attempt(1, "1.0.0", "not-run"));
	g_assert_false(finds_after(&bench, MINUTE)); /* nothing was begun */
}

static void
test_supervised_job_is_left_alone(void)
{
	g_auto(Bench) bench;

	bench_init(&bench);
	note_engine(&bench, NOBODY, 7);
	g_autoptr(RescueLock) lock = rescue_lock_take(ECID, JOB_NAME, STARTED, NULL);
	g_assert_nonnull(lock);
	g_assert_false(finds_after(&bench, MINUTE));
}

static void
test_clock_that_was_set_takes_no_time_away(void)
{
	g_auto(Bench) bench;
	RescueMoment now = { .boot_id = "here", .boot_ms = began.boot_ms + MINUTE };

	bench_init(&bench);
	note_engine(&bench, NOBODY, 7);
	for (int years = -1; years <= 1; years++) {
		now.wall_ms = began.wall_ms + years * YEAR;
		g_assert_true(finds_at(&bench, &now));
		g_assert_cmpint(bench.story->resume.spent_ms, ==, MINUTE);
	}
}

static void
test_time_goes_on_while_the_computer_is_started_anew(void)
{
	g_auto(Bench) bench;
	RescueMoment now = { .boot_id = "anew", .boot_ms = 20000 };

	bench_init(&bench);
	note_engine(&bench, NOBODY, 7);
	now.wall_ms = began.wall_ms + 5 * MINUTE;
	g_assert_true(finds_at(&bench, &now));
	g_assert_cmpint(bench.story->resume.spent_ms, ==, 5 * MINUTE);
	now.wall_ms = began.wall_ms - YEAR; /* a computer whose clock has no battery */
	g_assert_true(finds_at(&bench, &now));
	g_assert_cmpint(bench.story->resume.spent_ms, ==, 0);
	now.wall_ms = began.wall_ms + YEAR;
	g_assert_false(finds_at(&bench, &now));
}

static void
test_each_supervisor_adds_its_time(void)
{
	g_auto(Bench) bench;
	RescueMoment second = { .boot_id = "anew", .boot_ms = 30000, .wall_ms = 0 };
	RescueJson *event;

	bench_init(&bench);
	note_engine(&bench, NOBODY, 7);
	event = make_job_event(bench.wish, &second);
	rescue_json_set_int(event, "spent_ms", 3 * MINUTE);
	note(&bench, event);
	second.boot_ms += MINUTE;
	g_assert_true(finds_at(&bench, &second));
	g_assert_cmpint(bench.story->resume.spent_ms, ==, 4 * MINUTE);
}

/* Another job of the device, which ended: with this name, so long after the first one. */
static void
add_ended_job(Bench *bench, const char *name, int64_t after_ms)
{
	g_autofree char *dir = rescue_journal_make_job_dir(bench->dir, name, NULL);
	g_autofree char *path = rescue_journal_path(bench->dir, name, NULL);
	g_autoptr(RescueJournal) journal = rescue_journal_open(path, NULL);
	const RescueMoment moment = { .boot_id = "here", .boot_ms = began.boot_ms + after_ms };
	g_autoptr(RescueJson) job = make_job_event(bench->wish, &moment);
	g_autoptr(RescueJson) done = rescue_json_object_new();
	g_autoptr(RescueJson) first = rescue_event_stamp(job, 1, 0, name, ECID);
	g_autoptr(RescueJson) last = NULL;

	rescue_json_set_string(done, "event", "done");
	rescue_json_set_string(done, "outcome", "restored");
	last = rescue_event_stamp(done, 2, 0, name, ECID);
	g_assert_true(rescue_journal_append(journal, first, NULL));
	g_assert_true(rescue_journal_append(journal, last, NULL));
}

static void
test_newest_job_is_the_one_that_began_last(void)
{
	g_auto(Bench) bench;

	bench_init(&bench);
	note_engine(&bench, NOBODY, 7);
	/* made before, when the clock was ahead */
	add_ended_job(&bench, "20301121T100400-0000002a", -MINUTE);
	g_assert_true(finds_after(&bench, 2 * MINUTE));
	/* made later, when the clock had been set back */
	add_ended_job(&bench, "20201121T100400-0000002a", MINUTE);
	g_assert_false(finds_after(&bench, 2 * MINUTE));
}

static void
test_only_what_comes_after_the_image_is_an_erase(void)
{
	static const struct {
		RescuePhase phase;
		bool erased;
	} steps[] = {
		{ RESCUE_PHASE_BOOT_RAMDISK, false },     { RESCUE_PHASE_FDR, false },
		{ RESCUE_PHASE_FIRMWARE_UPDATES, false }, /* battery and storage come before it */
		{ RESCUE_PHASE_FILESYSTEM, true },        { RESCUE_PHASE_NOR, true },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
		g_auto(Bench) bench;
		bench_init(&bench);
		note_engine(&bench, NOBODY, 7);
		note(&bench, rescue_event_step(steps[i].phase, true));
		g_assert_true(finds_after(&bench, MINUTE));
		g_assert_cmpint(bench.story->resume.erased, ==, steps[i].erased);
	}
}

static void
test_update_erases_nothing(void)
{
	g_auto(Bench) bench;

	bench_init(&bench);
	bench.wish->behavior = RESCUE_BEHAVIOR_UPDATE;
	note(&bench, make_job_event(bench.wish, &began));
	note_engine(&bench, NOBODY, 7);
	note(&bench, rescue_event_step(RESCUE_PHASE_NOR, true));
	g_assert_true(finds_after(&bench, MINUTE));
	g_assert_false(bench.story->resume.erased);
	g_assert_true(bench.story->resume.reached_restore);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/takeover/" #name, test_##name)
	TEST(job_without_an_end_is_gone_on_with);
	TEST(only_the_same_wish_goes_on);
	TEST(job_beyond_its_deadline_or_done_is_over);
	TEST(engine_is_judged_again_until_a_remedy_took_effect);
	TEST(engine_that_never_ran_is_not_counted);
	TEST(supervised_job_is_left_alone);
	TEST(clock_that_was_set_takes_no_time_away);
	TEST(time_goes_on_while_the_computer_is_started_anew);
	TEST(each_supervisor_adds_its_time);
	TEST(newest_job_is_the_one_that_began_last);
	TEST(only_what_comes_after_the_image_is_an_erase);
	TEST(update_erases_nothing);
#undef TEST
	return g_test_run();
}
