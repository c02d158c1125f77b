/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "core/base/json.h"
#include "core/process/process.h"
#include "core/store/journal.h"
#include "core/store/journal_summary.h"

/*
 * Runs inside a world of the lab (disk-*.scenario) and of tests/system/private-mounts: restores whose journals are on
 * a small disk that fills up, cannot be written at all, or whose supervisor is killed at random moments.
 */

/* a place where no depot can be, so that no image is unpacked there for all jobs */
#define NO_CACHE "/dev/null/cache"

enum {
	DEADLINE_MS = 240000,
	BLOCK = 64 * 1024,
	KILLS = 20,    /* RESCUE_KILLS overrides it */
	KILL_MS = 900, /* a supervisor lives at most so long */
	KILL_OFTEN_MS = 450,
	KILL_TINY_MS = 300, /* the same where it ends by itself soon */
	NO_SPACE_STATUS = 3,
};

typedef struct {
	char *mount, *state;
	RescueProcess *process;
	GString *errors;  /* what it said to people */
	GPtrArray *heard; /* RescueJson: what it said to programs */
	bool own_image;   /* the engine unpacks the system image by itself, on this disk */
	const char *cue;  /* the disk fills up when this step begins, or NULL */
	bool for_good;    /* what the engine unpacked is held then, so that its end frees nothing */
	GArray *held;     /* int: descriptors */
	bool ended, killed;
	int status;
} Disk;

static void
disk_mount(Disk *disk, const char *options)
{
	disk->mount = g_build_filename(g_getenv("LAB_DIR"), "disk", NULL);
	disk->state = g_build_filename(disk->mount, "state", NULL);
	disk->heard = g_ptr_array_new_with_free_func((GDestroyNotify)rescue_json_free);
	disk->errors = g_string_new(NULL);
	disk->held = g_array_new(FALSE, FALSE, sizeof(int));
	g_assert_no_errno(g_mkdir_with_parents(disk->mount, 0700));
	g_assert_no_errno(mount("none", disk->mount, "tmpfs", 0, options));
}

static void
disk_clear(Disk *disk)
{
	rescue_process_free(disk->process);
	for (guint i = 0; i < disk->held->len; i++)
		g_assert_no_errno(close(g_array_index(disk->held, int, i)));
	g_array_unref(disk->held);
	g_assert_no_errno(umount2(disk->mount, MNT_DETACH));
	g_ptr_array_unref(disk->heard);
	g_string_free(disk->errors, TRUE);
	g_free(disk->mount);
	g_free(disk->state);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Disk, disk_clear)

/** To the last byte. */
static void
fill(const Disk *disk)
{
	g_autofree char *path = g_build_filename(disk->mount, "ballast", NULL);
	g_autofree char *block = g_malloc0(BLOCK);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	g_assert_cmpint(fd, >=, 0);
	for (size_t size = BLOCK; size > 0; size /= 2) {
		while (write(fd, block, size) > 0)
			continue;
		g_assert_cmpint(errno, ==, ENOSPC);
	}
	g_assert_no_errno(close(fd));
}

static void
hold_files(Disk *disk, const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;
	int fd = dir == NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd >= 0)
		g_array_append_val(disk->held, fd);
	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *child = g_build_filename(path, name, NULL);
		hold_files(disk, child);
	}
}

static void
on_line(const char *line, void *data)
{
	Disk *disk = data;
	RescueJson *event = rescue_json_parse(line, strlen(line), NULL);

	if (event == NULL) {
		g_string_append_printf(disk->errors, "%s\n", line);
		return;
	}
	g_ptr_array_add(disk->heard, event);
	if (disk->cue != NULL &&
	    g_strcmp0(rescue_json_get_string(event, "phase"), disk->cue) == 0) {
		disk->cue = NULL;
		if (disk->for_good)
			hold_files(disk, disk->state);
		fill(disk);
	}
}

static void
on_exit_seen(int status, int signal, void *data)
{
	Disk *disk = data;

	disk->status = status;
	disk->killed = signal == SIGKILL;
	disk->ended = true;
}

static void
start(Disk *disk, const char *const *argv)
{
	g_autoptr(GError) error = NULL;
	RescueProcessSpec spec = { .argv = argv,
				   .merge_stderr = true,
				   .inherit_fd = -1,
				   .on_line = on_line,
				   .on_exit = on_exit_seen,
				   .data = disk };

	rescue_process_free(disk->process);
	g_ptr_array_set_size(disk->heard, 0);
	g_string_truncate(disk->errors, 0);
	disk->ended = false;
	disk->process = rescue_process_start(&spec, &error);
	g_assert_no_error(error);
}

static gboolean
on_deadline(gpointer data)
{
	const Disk *disk = data;

	g_test_message("so far: %s", disk->errors->str);
	g_assert_not_reached();
	return G_SOURCE_REMOVE;
}

static void
wait_end(Disk *disk)
{
	guint deadline = g_timeout_add(DEADLINE_MS, on_deadline, disk);

	while (!disk->ended)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(deadline);
	g_test_message("status %d: %s", disk->status, disk->errors->str);
}

static void
start_restore(Disk *disk)
{
	g_autofree char *policy = g_build_filename(g_getenv("LAB_SCENARIO_DIR"), "..", "scenario",
						   "quick.policy", NULL);
	const char *const argv[] = { "idevicerescue",
				     "restore",
				     "--ecid",
				     g_getenv("LAB_ECID_A"),
				     "--ipsw",
				     g_getenv("LAB_FIRMWARE_F"),
				     "--erase",
				     "--unattended",
				     "--policy",
				     policy,
				     "--state",
				     disk->state,
				     "--events",
				     "-",
				     disk->own_image ? "--cache" : NULL,
				     NO_CACHE,
				     NULL };

	start(disk, argv);
}

/** `history list`, which has to work on every disk; the last word of the first line's outcome. */
static char *
outcome_in_history(Disk *disk)
{
	const char *const argv[] = { "idevicerescue", "history",   "list", "--json",
				     "--state",       disk->state, NULL };

	start(disk, argv);
	wait_end(disk);
	g_assert_cmpint(disk->status, ==, 0);
	if (disk->heard->len == 0)
		return NULL;
	return g_strdup(rescue_json_get_string(disk->heard->pdata[0], "outcome"));
}

static bool
heard(const Disk *disk, const char *name)
{
	for (guint i = 0; i < disk->heard->len; i++) {
		if (g_strcmp0(rescue_json_get_string(disk->heard->pdata[i], "event"), name) == 0)
			return true;
	}
	return false;
}

/* The engine goes on; what it had unpacked is deleted at its end, and the journal catches up. */
static void
test_disk_that_fills_up_for_a_while_costs_nothing(void)
{
	g_auto(Disk) disk = { .cue = "filesystem", .own_image = true };

	disk_mount(&disk, "size=84m");
	start_restore(&disk);
	wait_end(&disk);
	g_assert_cmpint(disk.status, ==, 0);
	g_autofree char *outcome = outcome_in_history(&disk);
	g_assert_cmpstr(outcome, ==, "restored");
}

/* The engine goes on, the phone is restored, and it is said that the journal does not know. */
static void
test_disk_that_fills_up_does_not_stop_a_running_restore(void)
{
	g_auto(Disk) disk = { .cue = "filesystem", .for_good = true };

	disk_mount(&disk, "size=84m");
	start_restore(&disk);
	wait_end(&disk);
	g_assert_cmpint(disk.status, ==, 0);
	g_assert_nonnull(strstr(disk.errors->str, "the journal of the job cannot be written"));
	g_assert_nonnull(strstr(disk.errors->str, "No space left on device"));
	g_autofree char *outcome = outcome_in_history(&disk);
	g_assert_cmpstr(outcome, ==, "unfinished");
}

/* An engine that needs the disk itself may fail: then nothing follows, and the status is that of a host's trouble. */
static void
test_engine_without_a_disk_ends_the_job_in_order(void)
{
	g_auto(Disk) disk = { .cue = "filesystem", .for_good = true };

	disk_mount(&disk, "size=84m");
	start_restore(&disk);
	wait_end(&disk);
	g_assert_true(heard(&disk, "engine"));
	g_assert_true(heard(&disk, "done"));
	if (disk.status != 0)
		g_assert_cmpint(disk.status, ==, NO_SPACE_STATUS);
	g_autofree char *outcome = outcome_in_history(&disk);
	g_assert_nonnull(outcome);
}

/* What the engine says while it flashes is lost, all of it or the last of it. */
static void
test_disk_that_fills_up_while_flashing_does_not_stop_it(void)
{
	g_auto(Disk) disk = { .cue = "nor", .for_good = true };

	disk_mount(&disk, "size=84m");
	start_restore(&disk);
	wait_end(&disk);
	g_assert_cmpint(disk.status, ==, 0);
	g_autofree char *outcome = outcome_in_history(&disk);
	g_assert_nonnull(outcome);
}

static void
test_disk_that_is_full_before_the_engine_leaves_the_phone_alone(void)
{
	g_auto(Disk) disk = { .cue = "detect" };

	disk_mount(&disk, "size=84m");
	start_restore(&disk);
	wait_end(&disk);
	g_assert_cmpint(disk.status, ==, NO_SPACE_STATUS);
	g_assert_true(heard(&disk, "done"));
	g_assert_false(heard(&disk, "engine"));
}

static void
test_disk_that_is_full_from_the_start_leaves_the_phone_alone(void)
{
	g_auto(Disk) disk = { .cue = NULL };

	disk_mount(&disk, "size=1m");
	fill(&disk);
	start_restore(&disk);
	wait_end(&disk);
	g_assert_cmpint(disk.status, ==, NO_SPACE_STATUS);
	g_assert_nonnull(strstr(disk.errors->str, "No space left on device"));
	g_assert_false(heard(&disk, "engine"));
	g_autofree char *outcome = outcome_in_history(&disk);
	g_test_message("it is %s", outcome);
}

static void
test_disk_that_is_read_only_leaves_the_phone_alone(void)
{
	g_auto(Disk) disk = { .cue = NULL };

	disk_mount(&disk, "size=1m");
	g_assert_no_errno(g_mkdir_with_parents(disk.state, 0700));
	g_assert_no_errno(mount(NULL, disk.mount, NULL, MS_REMOUNT | MS_RDONLY, NULL));
	start_restore(&disk);
	wait_end(&disk);
	g_assert_cmpint(disk.status, ==, NO_SPACE_STATUS);
	g_assert_nonnull(strstr(disk.errors->str, "Read-only file system"));
	g_assert_false(heard(&disk, "engine"));
	g_autofree char *outcome = outcome_in_history(&disk);
	g_assert_null(outcome);
}

static void
assert_modes(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	struct stat status;
	const char *name;

	g_assert_no_errno(lstat(path, &status));
	g_test_message("%04o %s", status.st_mode & 07777, path);
	g_assert_cmpint(status.st_mode & 07777, ==, S_ISDIR(status.st_mode) ? 0700 : 0600);
	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *child = g_build_filename(path, name, NULL);
		assert_modes(child);
	}
}

static void
test_what_a_restore_leaves_is_for_its_owner_only(void)
{
	g_auto(Disk) disk = { .cue = NULL };
	mode_t before = umask(0);

	disk_mount(&disk, "size=84m");
	start_restore(&disk);
	wait_end(&disk);
	g_assert_cmpint(disk.status, ==, 0);
	g_autofree char *outcome = outcome_in_history(&disk);
	(void)umask(before);
	g_assert_cmpstr(outcome, ==, "restored");
	assert_modes(disk.state);
}

/* ---- kills ------------------------------------------------------------------------------------ */

static gboolean
on_kill_time(gpointer data)
{
	Disk *disk = data;

	if (!disk->ended)
		(void)kill(rescue_process_pid(disk->process), SIGKILL);
	return G_SOURCE_REMOVE;
}

/** Readable, in order, and nothing in it that its checksum does not vouch for. */
static GHashTable *
read_journals(const Disk *disk)
{
	g_auto(GStrv) jobs = rescue_journal_list_jobs(disk->state);
	GHashTable *lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (size_t i = 0; jobs[i] != NULL; i++) {
		g_autofree char *path = rescue_journal_path(disk->state, jobs[i], NULL);
		g_autoptr(GError) error = NULL;
		g_autoptr(GPtrArray) events = NULL;
		int64_t before = 0, seq;
		if (!g_file_test(path, G_FILE_TEST_EXISTS))
			continue; /* killed between the folder and the file */
		events = rescue_journal_read(path, NULL, &error);
		g_assert_no_error(error);
		for (guint e = 0; e < events->len; e++) {
			g_assert_true(rescue_json_get_int(events->pdata[e], "seq", &seq));
			g_assert_cmpint(seq, >, before);
			before = seq;
			g_hash_table_add(lines, rescue_json_dump(events->pdata[e]));
		}
	}
	return lines;
}

/** Journal first: what was heard was written before, however soon the kill came, unless it was refused. */
static void
assert_journalled(const Disk *disk, bool may_be_full)
{
	g_autoptr(GHashTable) lines = read_journals(disk);

	for (guint i = 0; i < disk->heard->len && !may_be_full; i++) {
		g_autofree char *line = rescue_json_dump(disk->heard->pdata[i]);
		if (rescue_json_get(disk->heard->pdata[i], "event") == NULL)
			continue; /* the cut line of a killed writer */
		if (!g_hash_table_contains(lines, line))
			g_test_message("not in the journal: %s", line);
		g_assert_true(g_hash_table_contains(lines, line));
	}
}

static unsigned
wanted_kills(void)
{
	const char *text = g_getenv("RESCUE_KILLS");

	return text != NULL ? (unsigned)g_ascii_strtoull(text, NULL, 10) : KILLS;
}

/** On a disk that may be full what ends by itself counts as well: it has nothing to live for. Else it ends too soon. */
static void
kill_restores(Disk *disk, int within_ms, bool may_be_full)
{
	for (unsigned kills = 0; kills < wanted_kills(); kills++) {
		start_restore(disk);
		guint timer = g_timeout_add((guint)g_test_rand_int_range(0, within_ms),
					    on_kill_time, disk);
		wait_end(disk);
		GSource *left = g_main_context_find_source_by_id(NULL, timer);
		if (left != NULL)
			g_source_destroy(left);
		g_assert_true(disk->killed || may_be_full);
		assert_journalled(disk, may_be_full);
	}
}

static void
test_killed_restores_leave_what_they_said(void)
{
	g_auto(Disk) disk = { .cue = NULL };

	disk_mount(&disk, "size=140m");
	/* all of them within one restore, which takes the same time however many they are */
	kill_restores(&disk, wanted_kills() > KILLS ? KILL_OFTEN_MS : KILL_MS, false);
	start_restore(&disk);
	wait_end(&disk);
	g_assert_cmpint(disk.status, ==, 0);
	assert_journalled(&disk, false);
	g_autofree char *outcome = outcome_in_history(&disk);
	g_assert_cmpstr(outcome, ==, "restored");
}

/* one megabyte is too little for any restore: the phone stays as it is, the journals are begun and cut off */
static void
test_killed_restores_on_a_tiny_disk_leave_readable_journals(void)
{
	g_auto(Disk) disk = { .cue = NULL };

	disk_mount(&disk, "size=1m");
	kill_restores(&disk, KILL_TINY_MS, true);
	fill(&disk);
	kill_restores(&disk, KILL_TINY_MS, true);
	g_autofree char *outcome = outcome_in_history(&disk);
	g_assert_nonnull(outcome);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/full-for-a-while", test_disk_that_fills_up_for_a_while_costs_nothing);
	g_test_add_func("/full", test_disk_that_fills_up_does_not_stop_a_running_restore);
	g_test_add_func("/engine-fails", test_engine_without_a_disk_ends_the_job_in_order);
	g_test_add_func("/full-while-flashing",
			test_disk_that_fills_up_while_flashing_does_not_stop_it);
	g_test_add_func("/full-before-engine",
			test_disk_that_is_full_before_the_engine_leaves_the_phone_alone);
	g_test_add_func("/full-at-start",
			test_disk_that_is_full_from_the_start_leaves_the_phone_alone);
	g_test_add_func("/read-only", test_disk_that_is_read_only_leaves_the_phone_alone);
	g_test_add_func("/modes", test_what_a_restore_leaves_is_for_its_owner_only);
	g_test_add_func("/kills", test_killed_restores_leave_what_they_said);
	g_test_add_func("/kills-tiny", test_killed_restores_on_a_tiny_disk_leave_readable_journals);
	return g_test_run();
}
