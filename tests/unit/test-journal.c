/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "core/base/error.h"
#include "core/model/event.h"
#include "core/store/checksum.h"
#include "core/store/journal.h"
#include "core/store/journal_summary.h"

#define ECID UINT64_C(0x1A2B3C4D5E6F70)
/* 2026-11-22T10:04:00Z */
#define NOW INT64_C(1795341840000000)

typedef struct {
	char *dir, *path;
} Folder;

static void
folder_init(Folder *folder)
{
	folder->dir = g_dir_make_tmp("rescue-journal-XXXXXX", NULL);
	folder->path = g_build_filename(folder->dir, "journal", NULL);
}

static void
folder_clear(Folder *folder)
{
	(void)g_unlink(folder->path);
	(void)g_rmdir(folder->dir);
	g_free(folder->path);
	g_free(folder->dir);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Folder, folder_clear)

static RescueJson *
make_event(uint64_t seq)
{
	g_autoptr(RescueJson) body = rescue_json_object_new();
	g_autofree char *text = g_strnfill((seq * 37) % 400, 'x');

	rescue_json_set_string(body, "event", "step");
	rescue_json_set_string(body, "text", text);
	rescue_json_set_string(body, "awkward", "tab\t newline\n quote\" snowman\342\230\203");
	return rescue_event_stamp(body, seq, NOW + (int64_t)seq, "job-1", ECID);
}

static bool
append_event(RescueJournal *journal, uint64_t seq, GError **error)
{
	g_autoptr(RescueJson) event = make_event(seq);

	return rescue_journal_append(journal, event, error);
}

static void
append_events(const char *path, uint64_t first, uint64_t last)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueJournal) journal = rescue_journal_open(path, &error);

	g_assert_no_error(error);
	for (uint64_t seq = first; seq <= last; seq++)
		g_assert_true(append_event(journal, seq, NULL));
}

/** The journal is readable and its events are 1, 2, 3, … whole and unchanged; how many. */
static uint64_t
assert_contiguous(const char *path, bool *ret_torn)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) events = rescue_journal_read(path, ret_torn, &error);

	g_assert_no_error(error);
	for (guint i = 0; i < events->len; i++) {
		g_autoptr(RescueJson) expected = make_event(i + 1);
		g_autofree char *expected_text = rescue_json_dump(expected);
		g_autofree char *text = rescue_json_dump(events->pdata[i]);
		g_assert_cmpstr(text, ==, expected_text);
	}
	return events->len;
}

static void
test_checksum_is_the_usual_one(void)
{
	g_assert_cmphex(rescue_checksum("123456789", 9), ==, 0xCBF43926);
	g_assert_cmphex(rescue_checksum("", 0), ==, 0);
}

static void
test_events_come_back_in_order(void)
{
	g_auto(Folder) folder;
	bool torn = true;
	struct stat status;

	folder_init(&folder);
	append_events(folder.path, 1, 20);
	append_events(folder.path, 21, 40);
	g_assert_cmpuint(assert_contiguous(folder.path, &torn), ==, 40);
	g_assert_false(torn);
	g_assert_no_errno(stat(folder.path, &status));
	g_assert_cmpint(status.st_mode & 07777, ==, 0600);
}

static void
test_what_is_not_waited_for_stands_in_order_too(void)
{
	g_auto(Folder) folder;
	g_autoptr(RescueJournal) journal = NULL;
	bool torn = true;

	folder_init(&folder);
	append_events(folder.path, 1, 2);
	journal = rescue_journal_open(folder.path, NULL);
	for (uint64_t seq = 3; seq <= 6; seq++) {
		g_autoptr(RescueJson) event = make_event(seq);
		g_assert_true(rescue_journal_append_soon(journal, event, NULL));
		g_assert_cmpuint(assert_contiguous(folder.path, &torn), ==, seq);
	}
	g_assert_true(append_event(journal, 7, NULL));
	g_assert_cmpuint(assert_contiguous(folder.path, &torn), ==, 7);
	g_assert_false(torn);
}

static void
test_every_torn_tail_is_recognised_and_cut(void)
{
	g_auto(Folder) folder;
	g_autofree char *whole = NULL;
	size_t size;

	folder_init(&folder);
	append_events(folder.path, 1, 3);
	g_assert_true(g_file_get_contents(folder.path, &whole, &size, NULL));
	for (size_t keep = 0; keep <= size; keep++) {
		bool torn;
		uint64_t lines = 0;
		g_assert_true(g_file_set_contents(folder.path, whole, (gssize)keep, NULL));
		for (size_t i = 0; i < keep; i++)
			lines += whole[i] == '\n';
		g_assert_cmpuint(assert_contiguous(folder.path, &torn), ==, lines);
		g_assert_cmpint(torn, ==, keep > 0 && whole[keep - 1] != '\n');
		append_events(folder.path, lines + 1, lines + 1);
		g_assert_cmpuint(assert_contiguous(folder.path, &torn), ==, lines + 1);
		g_assert_false(torn);
	}
}

static void
test_a_changed_byte_ends_what_is_believed(void)
{
	g_auto(Folder) folder;
	g_autofree char *whole = NULL;
	size_t size;

	folder_init(&folder);
	append_events(folder.path, 1, 3);
	g_assert_true(g_file_get_contents(folder.path, &whole, &size, NULL));
	for (size_t at = 0; at < size; at++) {
		g_autofree char *copy = g_memdup2(whole, size);
		bool torn = false;
		uint64_t before = 0;
		copy[at] ^= 1;
		for (size_t i = 0; i < at; i++)
			before += whole[i] == '\n';
		g_assert_true(g_file_set_contents(folder.path, copy, (gssize)size, NULL));
		g_assert_cmpuint(assert_contiguous(folder.path, &torn), ==, before);
		g_assert_true(torn);
	}
}

static void
test_foreign_bytes_are_survived(void)
{
	g_auto(Folder) folder;
	static const char zeros[5000];
	const struct {
		const char *bytes;
		gssize size;
	} cases[] = { { "", 0 },     { zeros, sizeof zeros }, { "\n\n\n", 3 },
		      { "{}\n", 3 }, { "\t00000000\n", 10 },  { "\377\376\n\n\t", 5 } };

	folder_init(&folder);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		bool torn;
		g_assert_true(
		    g_file_set_contents(folder.path, cases[i].bytes, cases[i].size, NULL));
		g_assert_cmpuint(assert_contiguous(folder.path, &torn), ==, 0);
		g_assert_cmpint(torn, ==, cases[i].size > 0);
		append_events(folder.path, 1, 1);
		g_assert_cmpuint(assert_contiguous(folder.path, &torn), ==, 1);
	}
}

/* what is killed: a process that appends, and tells after each append that it is done */

static void
append_for_ever(const char *path, int acknowledge)
{
	g_autoptr(RescueJournal) journal = rescue_journal_open(path, NULL);

	for (uint64_t seq = assert_contiguous(path, NULL) + 1; journal != NULL; seq++) {
		if (!append_event(journal, seq, NULL) || write(acknowledge, "a", 1) != 1)
			_exit(1);
	}
}

/**
 * Appended and acknowledged events at least, in a process that is killed after about `after` of
 * them.
 */
static uint64_t
kill_a_writer(const char *path, unsigned after)
{
	int ends[2];
	char byte;
	uint64_t acknowledged = 0;

	g_assert_no_errno(pipe2(ends, O_CLOEXEC));
	pid_t writer = fork();
	if (writer == 0)
		append_for_ever(path, ends[1]);
	(void)close(ends[1]);
	while (acknowledged < after && read(ends[0], &byte, 1) == 1)
		acknowledged++;
	/* a little into the next write, which takes some ten microseconds */
	for (int64_t end = g_get_monotonic_time() + g_test_rand_int_range(0, 60);
	     g_get_monotonic_time() < end;)
		continue;
	(void)kill(writer, SIGKILL);
	g_assert_cmpint(waitpid(writer, NULL, 0), ==, writer);
	while (read(ends[0], &byte, 1) == 1)
		acknowledged++;
	(void)close(ends[0]);
	return acknowledged;
}

static void
test_killed_writers_leave_every_acknowledged_event(void)
{
	g_auto(Folder) folder;
	uint64_t promised = 0;

	folder_init(&folder);
	append_events(folder.path, 1, 0); /* there, and empty */
	for (int round = 0; round < 200; round++) {
		uint64_t before = promised;
		promised = before +
			   kill_a_writer(folder.path, (unsigned)g_test_rand_int_range(0, 4));
		uint64_t there = assert_contiguous(folder.path, NULL);
		g_assert_cmpuint(there, >=, promised);
		g_assert_cmpuint(there, <=,
				 promised + 1); /* written, but killed before it could say so */
		promised = there;
	}
}

/** Fills what is there; the first refused event leaves the file as it was. */
static uint64_t
append_until_refused(const char *path)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueJournal) journal = rescue_journal_open(path, &error);
	struct stat before, after;
	uint64_t seq = 0;

	g_assert_no_error(error);
	do
		g_assert_no_errno(stat(path, &before));
	while (append_event(journal, ++seq, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO);
	g_assert_no_errno(stat(path, &after));
	g_assert_cmpint(after.st_size, ==, before.st_size);
	return seq - 1;
}

static void
test_refused_write_leaves_the_file_as_before(void)
{
	g_auto(Folder) folder;
	struct rlimit before, small = { .rlim_cur = 10000 };
	bool torn;

	folder_init(&folder);
	g_assert_no_errno(getrlimit(RLIMIT_FSIZE, &before));
	small.rlim_max = before.rlim_max;
	(void)signal(SIGXFSZ, SIG_IGN);
	g_assert_no_errno(setrlimit(RLIMIT_FSIZE, &small)); /* writes up to there, then refuses */
	uint64_t written = append_until_refused(folder.path);
	g_assert_no_errno(setrlimit(RLIMIT_FSIZE, &before));
	g_assert_cmpuint(written, >, 5);
	g_assert_cmpuint(assert_contiguous(folder.path, &torn), ==, written);
	g_assert_false(torn);
	append_events(folder.path, written + 1, written + 3);
	g_assert_cmpuint(assert_contiguous(folder.path, &torn), ==, written + 3);
}

/** In a mount namespace of its own; the exit status of the process that does it. */
static int
fill_a_disk(const char *dir)
{
	g_autofree char *path = g_build_filename(dir, "journal", NULL);
	g_autofree char *ballast = g_build_filename(dir, "ballast", NULL);
	bool torn = true;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", dir, "tmpfs", 0, "size=256k") < 0)
		return 77;
	g_autofree char *block = g_malloc0(128 * 1024);
	g_assert_true(g_file_set_contents(ballast, block, 128 * 1024, NULL));
	uint64_t written = append_until_refused(path);
	g_assert_cmpuint(written, >, 5);
	g_assert_cmpuint(assert_contiguous(path, &torn), ==, written);
	g_assert_false(torn);
	for (uint64_t i = 0; i < 10; i++) { /* killed while the disk is full */
		(void)kill_a_writer(path, 1);
		g_assert_cmpuint(assert_contiguous(path, NULL), >=, written);
	}
	g_assert_no_errno(g_unlink(ballast));
	written = assert_contiguous(path, NULL);
	append_events(path, written + 1, written + 50);
	g_assert_cmpuint(assert_contiguous(path, &torn), ==, written + 50);
	g_assert_no_errno(mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, NULL));
	g_autoptr(GError) error = NULL;
	g_assert_null(rescue_journal_open(path, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO);
	g_assert_cmpuint(assert_contiguous(path, &torn), ==, written + 50);
	return 0;
}

/** A crash of the whole computer may leave less than what was written: somewhere in the last lines. */
static uint64_t
tear(const char *path)
{
	struct stat status;

	g_assert_no_errno(stat(path, &status));
	off_t drawn = g_test_rand_int_range(0, 1500); /* MIN evaluates what it takes twice */
	off_t cut = MIN(status.st_size, drawn);
	g_assert_no_errno(truncate(path, status.st_size - cut));
	return assert_contiguous(path, NULL);
}

#define SMALL_DISK (1024 * 1024)

/** 200 kills on a disk of one megabyte that is full from time to time; the exit status of who does it. */
static int
kill_on_a_small_disk(const char *dir)
{
	g_autofree char *path = g_build_filename(dir, "journal", NULL);
	g_autofree char *ballast = g_build_filename(dir, "ballast", NULL);
	g_autofree char *block = g_malloc0(SMALL_DISK);
	uint64_t promised = 0;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", dir, "tmpfs", 0, "size=1m") < 0)
		return 77;
	append_events(path, 1, 0);
	for (int round = 0; round < 200; round++) {
		bool full = round / 40 % 2 == 1; /* there is room for some lines, then for none */
		bool filled = g_file_test(ballast, G_FILE_TEST_EXISTS);
		if (full && !filled)
			(void)g_file_set_contents_full(ballast, block, SMALL_DISK - 24 * 1024,
						       G_FILE_SET_CONTENTS_NONE, 0600, NULL);
		else if (!full && filled)
			g_assert_no_errno(g_unlink(ballast));
		promised += kill_a_writer(path, (unsigned)g_test_rand_int_range(0, 4));
		uint64_t there = assert_contiguous(path, NULL);
		g_assert_cmpuint(there, >=, promised);
		g_assert_cmpuint(there, <=, promised + 1);
		promised = round % 5 == 4 ? tear(path) : there;
		if (round % 10 == 9) { /* a new one: all of it is read again in each round */
			g_assert_no_errno(g_unlink(path));
			promised = 0;
			append_events(path, 1, 0);
		}
	}
	return 0;
}

static void
test_killed_writers_on_a_small_disk_leave_readable_journals(void)
{
	g_autofree char *dir = g_dir_make_tmp("rescue-journal-XXXXXX", NULL);
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(kill_on_a_small_disk(dir));
	g_assert_cmpint(waitpid(child, &status, 0), ==, child);
	(void)g_rmdir(dir);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		g_test_skip("mounting a small file system is not permitted here");
	else
		g_assert_cmpint(status, ==, 0);
}

static void
test_full_and_read_only_disks_are_refused_in_order(void)
{
	g_autofree char *dir = g_dir_make_tmp("rescue-journal-XXXXXX", NULL);
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(fill_a_disk(dir));
	g_assert_cmpint(waitpid(child, &status, 0), ==, child);
	(void)g_rmdir(dir);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		g_test_skip("mounting a small file system is not permitted here");
	else
		g_assert_cmpint(status, ==, 0);
}

static void
test_missing_journal_and_bad_job_ids_are_refused(void)
{
	g_auto(Folder) folder;
	g_autoptr(GError) error = NULL;
	const char *const bad[] = { "", ".", "..", "../x", "a/b", ".hidden", "a b" };

	folder_init(&folder);
	g_assert_null(rescue_journal_read(folder.path, NULL, &error));
	g_assert_nonnull(error);
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_clear_error(&error);
		g_assert_null(rescue_journal_make_job_dir(folder.dir, bad[i], &error));
		g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT);
	}
}

static void
test_jobs_are_listed_newest_first(void)
{
	g_auto(Folder) folder;
	const char *const jobs[] = { "20261122T100400-1a2b", "20261123T100400-0000",
				     "20251122T100400-ffff" };

	folder_init(&folder);
	g_auto(GStrv) none = rescue_journal_list_jobs(folder.dir);
	g_assert_cmpuint(g_strv_length(none), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(jobs); i++) {
		g_autofree char *dir = rescue_journal_make_job_dir(folder.dir, jobs[i], NULL);
		g_assert_true(g_file_test(dir, G_FILE_TEST_IS_DIR));
	}
	g_auto(GStrv) list = rescue_journal_list_jobs(folder.dir);
	g_autofree char *text = g_strjoinv(" ", list);
	g_assert_cmpstr(text, ==, "20261123T100400-0000 20261122T100400-1a2b 20251122T100400-ffff");
	g_autofree char *path = rescue_journal_path(folder.dir, jobs[0], NULL);
	g_assert_true(g_str_has_suffix(path, "/jobs/20261122T100400-1a2b/journal"));
	for (size_t i = 0; i < G_N_ELEMENTS(jobs); i++) {
		g_autofree char *dir = rescue_journal_make_job_dir(folder.dir, jobs[i], NULL);
		(void)g_rmdir(dir);
	}
	g_autofree char *parent = g_build_filename(folder.dir, "jobs", NULL);
	(void)g_rmdir(parent);
}

/** Events as a job writes them, one JSON text each. */
static RescueJournalSummary *
summarize(const char *const *bodies, size_t count)
{
	g_autoptr(GPtrArray)
	    events = g_ptr_array_new_with_free_func((GDestroyNotify)rescue_json_free);

	for (size_t i = 0; i < count; i++) {
		g_autoptr(RescueJson) body = rescue_json_parse(bodies[i], strlen(bodies[i]), NULL);
		g_assert_nonnull(body);
		g_ptr_array_add(events,
				rescue_event_stamp(body, i + 1, NOW + (int64_t)i * G_USEC_PER_SEC,
						   "job-1", ECID));
	}
	return rescue_journal_summarize(events, false);
}

static const char *const story[] = {
	"{\"event\":\"job\",\"ipsw\":\"/x.ipsw\",\"behavior\":\"erase\"}",
	"{\"event\":\"device\",\"mode\":\"recovery\",\"product\":\"iPhone10,3\"}",
	"{\"event\":\"engine\",\"attempt\":1,\"pid\":4711,\"start_time\":99,\"transcript\":\"/t1\","
	"\"version\":\"1.0.0\"}",
	"{\"event\":\"attempt\",\"number\":1,\"engine\":\"1.0.0\"}",
	"{\"event\":\"step\",\"phase\":\"filesystem\",\"state\":\"begin\"}",
	"{\"event\":\"attempt\",\"number\":1,\"engine\":\"1.0.0\",\"outcome\":\"failed\"}",
	"{\"event\":\"failure\",\"failure\":\"link-lost\",\"phase\":\"filesystem\","
	"\"category\":\"usb\",\"text\":\"the phone left\"}",
	"{\"event\":\"remedy\",\"name\":\"pause\",\"state\":\"begin\"}",
	"{\"event\":\"remedy\",\"name\":\"pause\",\"state\":\"end\",\"outcome\":\"done\"}",
	"{\"event\":\"engine\",\"attempt\":2,\"pid\":4712,\"start_time\":100,\"transcript\":\"/"
	"t2\","
	"\"version\":\"1.0.0\"}",
	"{\"event\":\"attempt\",\"number\":2,\"engine\":\"1.0.0\"}",
	"{\"event\":\"attempt\",\"number\":2,\"engine\":\"1.0.0\",\"outcome\":\"finished\"}",
	"{\"event\":\"done\",\"outcome\":\"restored\",\"data\":\"erased\",\"attempts\":2,"
	"\"seconds\":12.5,\"version\":\"15.4\",\"build\":\"19E241\"}",
};

static void
test_summary_of_a_whole_job(void)
{
	g_autoptr(RescueJournalSummary) summary = summarize(story, G_N_ELEMENTS(story));
	static const RescueJournalStepKind kinds[] = { RESCUE_JOURNAL_ATTEMPT,
						       RESCUE_JOURNAL_FAILURE,
						       RESCUE_JOURNAL_REMEDY,
						       RESCUE_JOURNAL_ATTEMPT };
	static const char *const outcomes[] = { "failed", NULL, "done", "finished" };

	g_assert_cmpstr(summary->job, ==, "job-1");
	g_assert_cmphex(summary->ecid, ==, ECID);
	g_assert_cmpstr(summary->product, ==, "iPhone10,3");
	g_assert_cmpstr(summary->behavior, ==, "erase");
	g_assert_cmpstr(summary->started, ==, "2026-11-22T10:04:00.000Z");
	g_assert_cmpstr(summary->ended, ==, "2026-11-22T10:04:12.000Z");
	g_assert_cmpstr(summary->outcome, ==, "restored");
	g_assert_cmpstr(summary->build, ==, "19E241");
	g_assert_cmpfloat(summary->seconds, ==, 12.5);
	g_assert_cmpuint(summary->attempts, ==, 2);
	g_assert_cmpuint(summary->seq, ==, G_N_ELEMENTS(story));
	g_assert_cmpint(summary->engine.pid, ==, 4712);
	g_assert_false(summary->engine_open);
	g_assert_cmpuint(summary->steps->len, ==, G_N_ELEMENTS(kinds));
	for (guint i = 0; i < summary->steps->len; i++) {
		const RescueJournalStep *step = summary->steps->pdata[i];
		g_assert_cmpint(step->kind, ==, kinds[i]);
		g_assert_cmpstr(step->outcome, ==, outcomes[i]);
		g_assert_cmpuint(step->attempt, ==, i < 3 ? 1 : 2);
	}
}

static void
test_summary_of_a_dead_supervisors_job_names_the_open_engine(void)
{
	for (size_t count = 0; count <= G_N_ELEMENTS(story); count++) {
		g_autoptr(RescueJournalSummary) summary = summarize(story, count);
		bool open = (count >= 3 && count <= 5) || (count >= 10 && count <= 11);
		g_assert_cmpint(summary->engine_open, ==, open);
		g_assert_cmpuint(summary->attempts, ==, count >= 10 ? 2 : count >= 3 ? 1 : 0);
		if (open)
			g_assert_cmpstr(summary->engine.transcript, ==, count < 10 ? "/t1" : "/t2");
	}
}

static void
test_summary_survives_senseless_events(void)
{
	static const char *const odd[] = {
		"{}",
		"{\"event\":7}",
		"{\"event\":\"engine\",\"pid\":\"x\",\"attempt\":-4}",
		"{\"event\":\"attempt\",\"number\":99999999999}",
		"{\"event\":\"remedy\"}",
		"{\"event\":\"remedy\",\"outcome\":[]}",
		"{\"event\":\"done\",\"outcome\":null}",
		"{\"event\":\"failure\"}",
	};
	g_autoptr(RescueJournalSummary) summary = summarize(odd, G_N_ELEMENTS(odd));

	g_assert_null(summary->outcome);
	g_assert_cmpint(summary->engine.pid, ==, 0);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/journal/" #name, test_##name)
	TEST(checksum_is_the_usual_one);
	TEST(events_come_back_in_order);
	TEST(what_is_not_waited_for_stands_in_order_too);
	TEST(every_torn_tail_is_recognised_and_cut);
	TEST(a_changed_byte_ends_what_is_believed);
	TEST(foreign_bytes_are_survived);
	TEST(killed_writers_leave_every_acknowledged_event);
	TEST(refused_write_leaves_the_file_as_before);
	TEST(full_and_read_only_disks_are_refused_in_order);
	TEST(killed_writers_on_a_small_disk_leave_readable_journals);
	TEST(missing_journal_and_bad_job_ids_are_refused);
	TEST(jobs_are_listed_newest_first);
	TEST(summary_of_a_whole_job);
	TEST(summary_of_a_dead_supervisors_job_names_the_open_engine);
	TEST(summary_survives_senseless_events);
#undef TEST
	return g_test_run();
}
