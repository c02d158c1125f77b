/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "core/base/error.h"
#include "core/process/lock.h"
#include "core/process/process.h"

#define ECID       UINT64_C(0x1A2B3C4D5E6F70)
#define OTHER_ECID UINT64_C(0x1A2B3C4D5E6F71)
/* 2026-11-22T10:04:00Z */
#define NOW INT64_C(1795341840000000)

/* every test has a lock folder of its own */

typedef struct {
	char *dir;
} Folder;

static void
folder_init(Folder *folder)
{
	folder->dir = g_dir_make_tmp("rescue-lock-XXXXXX", NULL);
	g_assert_true(g_setenv("IDEVICERESCUE_LOCK_DIR", folder->dir, TRUE));
}

static void
folder_clear(Folder *folder)
{
	g_autoptr(GDir) dir = g_dir_open(folder->dir, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(folder->dir, name, NULL);
		(void)g_unlink(path);
	}
	(void)g_rmdir(folder->dir);
	g_free(folder->dir);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Folder, folder_clear)

/**
 * Runs `body` in a process of its own that then waits to be killed; returns when `body` has
 * returned.
 */
typedef void (*Body)(void *data);

typedef struct {
	pid_t pid;
	int pipe[2];
} Other;

static Other
other_start(Body body, void *data)
{
	Other other;
	char byte;

	g_assert_no_errno(pipe2(other.pipe, O_CLOEXEC));
	other.pid = fork();
	if (other.pid == 0) {
		body(data);
		g_assert_cmpint(write(other.pipe[1], "r", 1), ==, 1);
		for (;;)
			(void)pause();
	}
	g_assert_cmpint(read(other.pipe[0], &byte, 1), ==, 1);
	return other;
}

static void
other_kill(Other *other)
{
	(void)kill(other->pid, SIGKILL);
	g_assert_cmpint(waitpid(other->pid, NULL, 0), ==, other->pid);
	(void)close(other->pipe[0]);
	(void)close(other->pipe[1]);
}

static void
take_and_keep(void *data)
{
	RescueLock *lock = rescue_lock_take(ECID, "job-1", NOW, NULL);

	g_assert_nonnull(lock);
}

static void
test_second_one_is_told_who_holds_it(void)
{
	g_auto(Folder) folder;
	g_auto(RescueLockHolder) holder = { .pid = 0 };
	g_autoptr(GError) error = NULL;

	folder_init(&folder);
	g_assert_false(rescue_lock_who(ECID, &holder));
	Other other = other_start(take_and_keep, NULL);
	int64_t before = g_get_monotonic_time();
	g_assert_null(rescue_lock_take(ECID, "job-2", NOW + 1, &error));
	g_assert_cmpint(g_get_monotonic_time() - before, <, 900000);
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY);
	g_autofree char *pid = g_strdup_printf("process %d", (int)other.pid);
	g_assert_nonnull(strstr(error->message, pid));
	g_assert_nonnull(strstr(error->message, "job-1"));
	g_assert_nonnull(strstr(error->message, "2026-11-22T10:04:00"));
	g_assert_true(rescue_lock_who(ECID, &holder));
	g_assert_cmpint(holder.pid, ==, other.pid);
	g_assert_cmpstr(holder.job, ==, "job-1");
	g_assert_cmpint(holder.since_us, ==, NOW);
	g_assert_false(holder.orphan);
	other_kill(&other);
}

static void
test_others_are_seen_and_oneself_is_not(void)
{
	g_auto(Folder) folder;

	folder_init(&folder);
	g_assert_false(rescue_lock_is_any_other(ECID));
	Other other = other_start(take_and_keep, NULL);
	g_assert_false(rescue_lock_is_any_other(ECID));
	g_assert_true(rescue_lock_is_any_other(OTHER_ECID));
	other_kill(&other);
	g_assert_false(rescue_lock_is_any_other(OTHER_ECID)); /* the file stays, nobody holds it */
}

static void
test_lock_ends_with_its_holder(void)
{
	g_auto(Folder) folder;
	RescueLockHolder holder;

	folder_init(&folder);
	Other other = other_start(take_and_keep, NULL);
	other_kill(&other);
	g_assert_false(rescue_lock_who(ECID, &holder));
	g_autoptr(RescueLock) lock = rescue_lock_take(ECID, "job-2", NOW, NULL);
	g_assert_nonnull(lock);
	g_clear_pointer(&lock, rescue_lock_free);
	g_assert_false(rescue_lock_who(ECID, &holder));
}

static void
test_other_devices_are_free_and_one_process_excludes_itself(void)
{
	g_auto(Folder) folder;
	g_autoptr(GError) error = NULL;

	folder_init(&folder);
	g_autoptr(RescueLock) lock = rescue_lock_take(ECID, "job-1", NOW, NULL);
	g_autoptr(RescueLock) other = rescue_lock_take(OTHER_ECID, "job-2", NOW, NULL);
	g_assert_nonnull(lock);
	g_assert_nonnull(other);
	g_assert_null(rescue_lock_take(ECID, "job-3", NOW, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY);
}

static void
test_all_users_may_lock(void)
{
	g_auto(Folder) parent;
	struct stat status;

	folder_init(&parent);
	g_autofree char *dir = g_build_filename(parent.dir, "locks", NULL);
	g_assert_true(g_setenv("IDEVICERESCUE_LOCK_DIR", dir, TRUE));
	g_autoptr(RescueLock) lock = rescue_lock_take(ECID, "job-1", NOW, NULL);
	g_assert_nonnull(lock);
	g_assert_no_errno(stat(dir, &status));
	g_assert_cmpint(status.st_mode & 07777, ==, 01777);
	g_autofree char *file = g_build_filename(dir, "0x001A2B3C4D5E6F70.lock", NULL);
	g_autofree char *file2 = g_build_filename(dir, "0x001A2B3C4D5E6F70.supervisor", NULL);
	g_assert_no_errno(stat(file, &status));
	g_assert_cmpint(status.st_mode & 07777, ==, 0666);
	(void)g_unlink(file);
	(void)g_unlink(file2);
	(void)g_rmdir(dir);
}

static void
test_links_in_the_folder_are_not_followed(void)
{
	for (int hard = 0; hard < 2; hard++) {
		g_auto(Folder) folder;
		g_autoptr(GError) error = NULL;
		folder_init(&folder);
		g_autofree char *victim = g_build_filename(folder.dir, "victim", NULL);
		g_autofree char *file = g_build_filename(folder.dir, "0x001A2B3C4D5E6F70.lock",
							 NULL);
		g_autofree char *text = NULL;
		g_assert_true(g_file_set_contents(victim, "precious", -1, NULL));
		g_assert_no_errno(hard ? link(victim, file) : symlink(victim, file));
		g_assert_null(rescue_lock_take(ECID, "job-1", NOW, &error));
		g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO);
		g_assert_true(g_file_get_contents(victim, &text, NULL, NULL));
		g_assert_cmpstr(text, ==, "precious");
	}
}

static void
test_untrusted_content_is_only_ignored(void)
{
	const char *const contents[] = { "",
					 "garbage\n",
					 "{\"pid\":-5}\n",
					 "{\"pid\":1e99}\n",
					 "{\"pid\":1,\"job\":7,\"since\":\"x\"}\n",
					 "[1]\n" };

	for (size_t i = 0; i < G_N_ELEMENTS(contents); i++) {
		g_auto(Folder) folder;
		g_autoptr(GError) error = NULL;
		folder_init(&folder);
		g_autofree char *file = g_build_filename(folder.dir,
							 "0x001A2B3C4D5E6F70.supervisor", NULL);
		Other other = other_start(take_and_keep, NULL);
		int fd = open(file, O_WRONLY | O_TRUNC | O_CLOEXEC);
		g_assert_cmpint(write(fd, contents[i], strlen(contents[i])), >=, 0);
		(void)close(fd);
		g_assert_null(rescue_lock_take(ECID, "job-2", NOW, &error));
		g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY);
		other_kill(&other);
	}
}

/* a supervisor that starts an engine which inherits the lock, and is then killed */

typedef struct {
	char *dir, *output, *fifo;
	int identity[2];
	RescueLock *lock; /* in the supervisor */
} Station;

static void
station_init(Station *station, const Folder *folder)
{
	station->dir = folder->dir;
	station->output = g_build_filename(folder->dir, "output", NULL);
	station->fifo = g_build_filename(folder->dir, "fifo", NULL);
	station->lock = NULL;
	g_assert_no_errno(mkfifo(station->fifo, 0600));
	g_assert_no_errno(pipe2(station->identity, O_CLOEXEC));
}

static void
station_clear(Station *station)
{
	g_free(station->output);
	g_free(station->fifo);
	(void)close(station->identity[0]);
	(void)close(station->identity[1]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Station, station_clear)

static bool
note_engine(pid_t pid, uint64_t start_time, void *data, GError **error)
{
	Station *station = data;
	RescueLockEngine engine = { .pid = pid, .start_time = start_time };

	rescue_lock_note_engine(station->lock, pid, start_time);
	return write(station->identity[1], &engine, sizeof engine) == sizeof engine;
}

static void
start_engine(void *data)
{
	Station *station = data;
	g_autofree char *script = g_strdup_printf("read x <%s", station->fifo);
	const char *const argv[] = { "sh", "-c", script, NULL };

	station->lock = rescue_lock_take(ECID, "job-1", NOW, NULL);
	RescueProcessSpec spec = {
		.argv = argv,
		.output_path = station->output,
		.inherit_fd = rescue_lock_fd(station->lock),
		.outlives_us = true,
		.before_exec = note_engine,
		.data = station,
	};
	g_assert_nonnull(rescue_process_start(&spec, NULL));
}

static RescueLockEngine
leave_orphan(Station *station)
{
	RescueLockEngine engine;
	Other supervisor = other_start(start_engine, station);

	g_assert_cmpint(read(station->identity[0], &engine, sizeof engine), ==, sizeof engine);
	other_kill(&supervisor);
	g_assert_true(rescue_process_is_alive(engine.pid, engine.start_time));
	return engine;
}

static void
end_engine(const Station *station, const RescueLockEngine *engine)
{
	int pidfd = pidfd_open(engine->pid, 0);
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	int fd = open(station->fifo, O_WRONLY | O_CLOEXEC); /* waits for the reader */

	g_assert_cmpint(write(fd, "go\n", 3), ==, 3);
	(void)close(fd);
	g_assert_cmpint(poll(&end, 1, 20000), ==, 1);
	(void)close(pidfd);
}

static void
test_orphaned_engine_excludes_others(void)
{
	g_auto(Folder) folder;
	g_auto(Station) station;
	g_auto(RescueLockHolder) holder = { .pid = 0 };
	g_autoptr(GError) error = NULL;

	folder_init(&folder);
	station_init(&station, &folder);
	RescueLockEngine engine = leave_orphan(&station);
	g_assert_null(rescue_lock_take(ECID, "job-2", NOW + 1, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY);
	g_autofree char *pid = g_strdup_printf("process %d", (int)engine.pid);
	g_assert_nonnull(strstr(error->message, pid));
	g_assert_nonnull(strstr(error->message, "job-1"));
	g_assert_true(rescue_lock_who(ECID, &holder));
	g_assert_true(holder.orphan);
	g_assert_cmpint(holder.pid, ==, engine.pid);
	g_assert_cmpint(holder.engine_pid, ==, engine.pid);
	g_assert_cmpuint(holder.engine_start_time, ==, engine.start_time);
	g_assert_cmpstr(holder.job, ==, "job-1");
	end_engine(&station, &engine);
	g_autoptr(RescueLock) lock = rescue_lock_take(ECID, "job-2", NOW + 1, NULL);
	g_assert_nonnull(lock);
}

static void
test_new_supervisor_takes_over_the_orphan_it_knows(void)
{
	g_auto(Folder) folder;
	g_auto(Station) station;
	g_auto(RescueLockHolder) holder = { .pid = 0 };
	g_autoptr(GError) error = NULL;

	folder_init(&folder);
	station_init(&station, &folder);
	RescueLockEngine engine = leave_orphan(&station);
	RescueLockEngine stranger = { .pid = engine.pid, .start_time = engine.start_time + 1 };
	g_assert_null(rescue_lock_take_from(ECID, &stranger, "job-1", NOW, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY);
	g_clear_error(&error);
	g_autoptr(RescueLock) lock = rescue_lock_take_from(ECID, &engine, "job-1", NOW, &error);
	g_assert_no_error(error);
	g_assert_cmpint(rescue_lock_fd(lock), ==, -1); /* no second engine beside the orphan */
	g_assert_null(rescue_lock_take_from(ECID, &engine, "job-3", NOW, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY);
	g_assert_true(rescue_lock_who(ECID, &holder));
	g_assert_cmpint(holder.pid, ==, getpid());
	g_assert_cmpint(holder.engine_pid, ==, engine.pid);
	g_assert_false(holder.orphan);
	end_engine(&station, &engine);
	g_assert_cmpint(rescue_lock_fd(lock), >=, 0);
	g_assert_cmpint(rescue_lock_fd(NULL), ==, -1);
}

static void
test_engine_that_ended_meanwhile_leaves_a_plain_lock(void)
{
	g_auto(Folder) folder;
	g_auto(Station) station;

	folder_init(&folder);
	station_init(&station, &folder);
	RescueLockEngine engine = leave_orphan(&station);
	end_engine(&station, &engine);
	g_autoptr(RescueLock) lock = rescue_lock_take_from(ECID, &engine, "job-1", NOW, NULL);
	g_assert_cmpint(rescue_lock_fd(lock), >=, 0);
}

/** Onlookers ask all the time; nobody who takes the lock may fail for it. */
static void
look_for_ever(void *data)
{
	if (fork() != 0)
		return;
	pid_t parent = getppid();
	while (getppid() == parent) {
		g_auto(RescueLockHolder) holder = { .pid = 0 };
		(void)rescue_lock_who(ECID, &holder);
	}
	_exit(0);
}

static void
test_onlookers_disturb_nobody(void)
{
	g_auto(Folder) folder;

	folder_init(&folder);
	Other onlooker = other_start(look_for_ever, NULL);
	for (int i = 0; i < 300; i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(RescueLock) lock = rescue_lock_take(ECID, "job", NOW, &error);
		g_assert_no_error(error);
	}
	other_kill(&onlooker);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/lock/" #name, test_##name)
	TEST(second_one_is_told_who_holds_it);
	TEST(others_are_seen_and_oneself_is_not);
	TEST(lock_ends_with_its_holder);
	TEST(other_devices_are_free_and_one_process_excludes_itself);
	TEST(all_users_may_lock);
	TEST(links_in_the_folder_are_not_followed);
	TEST(untrusted_content_is_only_ignored);
	TEST(orphaned_engine_excludes_others);
	TEST(new_supervisor_takes_over_the_orphan_it_knows);
	TEST(engine_that_ended_meanwhile_leaves_a_plain_lock);
	TEST(onlookers_disturb_nobody);
#undef TEST
	return g_test_run();
}
