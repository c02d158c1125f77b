/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/resume.h"

#include <glib/gstdio.h>
#include <string.h>

#include "core/model/event.h"
#include "core/process/lock.h"
#include "core/remedy/remedy.h"
#include "core/store/journal.h"

#define ECID     0x000A1B2C3D4E5F60
#define STARTED  INT64_C(1795255440000000) /* 2026-11-21T10:04:00Z */
#define MINUTE   (INT64_C(60) * G_USEC_PER_SEC)
#define NOBODY   4194304 /* beyond the largest process id */
#define JOB_NAME "20261121T100400-0000002a"

/* A state folder with the journal of one job, and a wish. */
typedef struct {
	char *dir;
	RescueJournal *journal;
	RescueJob *wish;
	RescueTakeover takeover;
	uint64_t seq;
} Bench;

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
	note(bench, rescue_event_job(bench->wish));
}

static void
remove_tree(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *child = g_build_filename(path, name, NULL);
		remove_tree(child);
	}
	(void)g_remove(path);
}

static void
bench_clear(Bench *bench)
{
	rescue_takeover_clear(&bench->takeover);
	rescue_journal_close(bench->journal);
	rescue_job_free(bench->wish);
	remove_tree(bench->dir);
	g_free(bench->dir);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Bench, bench_clear)

static bool
finds_after(Bench *bench, int64_t age_us)
{
	rescue_takeover_clear(&bench->takeover);
	return rescue_takeover_find(bench->dir, bench->wish, STARTED + age_us, &bench->takeover);
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
	const RescueResume *resume = &bench.takeover.resume;
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
	g_assert_false(finds_after(&bench, bench.wish->policy->deadline_ms * 1000 + MINUTE));
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
	g_assert_cmpint(bench.takeover.resume.engine.pid, ==, NOBODY);
	note(&bench, rescue_event_attempt(1, "1.0.0", "failed"));
	note_words(&bench, "failure", "failure", "usb-link-dropped", NULL);
	note_words(&bench, "remedy", "name", "reboot-device", NULL);
	g_assert_true(finds_after(&bench, MINUTE));
	g_assert_cmpint(bench.takeover.resume.engine.pid, ==, NOBODY);
	g_assert_cmpuint(bench.takeover.resume.tried->len, ==, 0); /* it may not have been done */
	note_words(&bench, "remedy", "name", "reboot-device", "no-effect");
	note_words(&bench, "remedy", "name", "wait-for-device", NULL);
	note_words(&bench, "remedy", "name", "wait-for-device", "took-effect");
	g_assert_true(finds_after(&bench, MINUTE));
	g_assert_cmpint(bench.takeover.resume.engine.pid, ==, 0);
	g_assert_cmpuint(bench.takeover.resume.attempts, ==, 1);
	g_assert_cmpuint(bench.takeover.resume.tried->len, ==, 2);
	const RescueTried *last = &g_array_index(bench.takeover.resume.tried, RescueTried, 1);
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
#undef TEST
	return g_test_run();
}
