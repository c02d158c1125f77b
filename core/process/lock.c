/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/process/lock.h"

#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/json.h"
#include "core/process/fd.h"
#include "core/process/lockfile.h"
#include "core/process/process.h"

/* For a holder that is just ending: its descriptors are closed before its end can be seen. */
#define ENDING_MS 100
#define LOCK      ".lock"

struct RescueLock {
	int device_fd, supervisor_fd;
	bool left_to_orphan; /* device_fd is open, but an adopted engine still holds the lock */
	char *job;
	int64_t since_us;
};

static RescueJson *
make_line(const RescueLock *lock)
{
	RescueJson *line = rescue_json_object_new();

	rescue_json_set_int(line, "pid", getpid());
	rescue_json_set_int(line, "start", (int64_t)rescue_process_start_time(getpid()));
	rescue_json_set_string(line, "job", lock->job);
	rescue_json_set_int(line, "since", lock->since_us);
	return line;
}

static void
read_engine(int device_fd, RescueLockHolder *holder)
{
	g_autoptr(RescueJson) line = rescue_lockfile_read(device_fd);

	holder->engine_pid = (pid_t)rescue_json_get_int_or(line, "engine", 0);
	holder->engine_start_time = (uint64_t)rescue_json_get_int_or(line, "engine_start", 0);
}

static void
read_holder(int fd, RescueLockHolder *holder)
{
	g_autoptr(RescueJson) line = rescue_lockfile_read(fd);

	holder->pid = (pid_t)rescue_json_get_int_or(line, "pid", 0);
	holder->start_time = (uint64_t)rescue_json_get_int_or(line, "start", 0);
	holder->job = g_strdup(line != NULL ? rescue_json_get_string(line, "job") : NULL);
	holder->since_us = rescue_json_get_int_or(line, "since", 0);
}

/** A name that has died is that of a former holder: the present one has not written its own yet. */
static void
read_supervisor(int fd, RescueLockHolder *holder)
{
	g_autoptr(RescueJson) line = rescue_lockfile_read(fd);

	read_holder(fd, holder);
	if (!rescue_process_is_alive(holder->pid,
				     (uint64_t)rescue_json_get_int_or(line, "start", 0)))
		rescue_lock_holder_clear(holder);
}

/** The device is held and no supervisor is there: the engine itself is the holder. */
static void
read_orphan(int device_fd, RescueLockHolder *holder)
{
	read_holder(device_fd, holder);
	read_engine(device_fd, holder);
	holder->orphan = true;
	if (holder->engine_pid > 0) {
		holder->pid = holder->engine_pid;
		holder->start_time = holder->engine_start_time;
	}
}

static void
set_busy(const RescueLockHolder *holder, GError **error)
{
	g_autofree char *since = holder->since_us > 0 ? rescue_clock_format(holder->since_us)
						      : NULL;
	g_autofree char *when = since != NULL ? g_strdup_printf(" since %s", since) : g_strdup("");

	if (holder->pid == 0)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY,
			    "the device is busy: another process has just taken it");
	else
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY,
			    holder->orphan
				? "the device is busy: an engine whose supervisor is gone "
				  "(process %ld, job %s) drives it%s"
				: "the device is busy: process %ld (%s) drives it%s",
			    (long)holder->pid, holder->job != NULL ? holder->job : "unknown", when);
}

static bool
has_ended(pid_t pid, uint64_t start_time)
{
	if (pid <= 0 || pid == getpid())
		return false;
	rescue_autofd pidfd = pidfd_open(pid, 0);
	if (pidfd < 0 || !rescue_process_is_alive(pid, start_time))
		return true;
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	return poll(&end, 1, ENDING_MS) == 1;
}

/**
 * True when the named holder was ending and is gone now, so that another try is worth while; an engine that has
 * inherited the lock ends after its supervisor.
 */
static bool
holder_has_ended(int fd)
{
	g_autoptr(RescueJson) line = rescue_lockfile_read(fd);
	pid_t engine = (pid_t)rescue_json_get_int_or(line, "engine", 0);

	return has_ended((pid_t)rescue_json_get_int_or(line, "pid", 0),
			 (uint64_t)rescue_json_get_int_or(line, "start", 0)) &&
	       (engine <= 0 ||
		has_ended(engine, (uint64_t)rescue_json_get_int_or(line, "engine_start", 0)));
}

static bool
take_file(int fd)
{
	return rescue_lockfile_take(fd) || (holder_has_ended(fd) && rescue_lockfile_take(fd));
}

static bool
take_supervisor(RescueLock *lock, GError **error)
{
	g_auto(RescueLockHolder) holder = { .pid = 0 };

	if (take_file(lock->supervisor_fd))
		return true;
	read_supervisor(lock->supervisor_fd, &holder);
	set_busy(&holder, error);
	return false;
}

static bool
take_device(RescueLock *lock, const RescueLockEngine *engine, GError **error)
{
	g_auto(RescueLockHolder) holder = { .pid = 0 };

	if (rescue_lockfile_take(lock->device_fd))
		return true;
	read_orphan(lock->device_fd, &holder);
	lock->left_to_orphan = engine != NULL && engine->pid == holder.engine_pid &&
			       engine->start_time == holder.engine_start_time &&
			       rescue_process_is_alive(engine->pid, engine->start_time);
	if (lock->left_to_orphan || take_file(lock->device_fd))
		return true;
	set_busy(&holder, error);
	return false;
}

RescueLock *
rescue_lock_take_from(RescueEcid ecid, const RescueLockEngine *engine, const char *job,
		      int64_t now_us, GError **error)
{
	g_autoptr(RescueLock) lock = g_new0(RescueLock, 1);

	lock->supervisor_fd = -1;
	lock->job = g_strdup(job);
	lock->since_us = now_us;
	lock->device_fd = rescue_lockfile_open(ecid, "lock", true, error);
	if (lock->device_fd < 0)
		return NULL;
	lock->supervisor_fd = rescue_lockfile_open(ecid, "supervisor", true, error);
	if (lock->supervisor_fd < 0 || !take_supervisor(lock, error) ||
	    !take_device(lock, engine, error))
		return NULL;
	g_autoptr(RescueJson) line = make_line(lock);
	rescue_lockfile_write(lock->supervisor_fd, line);
	if (!lock->left_to_orphan)
		rescue_lockfile_write(lock->device_fd, line);
	return g_steal_pointer(&lock);
}

RescueLock *
rescue_lock_take(RescueEcid ecid, const char *job, int64_t now_us, GError **error)
{
	return rescue_lock_take_from(ecid, NULL, job, now_us, error);
}

void
rescue_lock_note_engine(RescueLock *lock, pid_t pid, uint64_t start_time)
{
	if (lock == NULL || lock->left_to_orphan)
		return;
	g_autoptr(RescueJson) line = make_line(lock);
	rescue_json_set_int(line, "engine", pid);
	rescue_json_set_int(line, "engine_start", (int64_t)start_time);
	rescue_lockfile_write(lock->device_fd, line);
}

int
rescue_lock_fd(RescueLock *lock)
{
	if (lock == NULL)
		return -1;
	if (lock->left_to_orphan && rescue_lockfile_take(lock->device_fd)) {
		g_autoptr(RescueJson) line = make_line(lock);
		rescue_lockfile_write(lock->device_fd, line);
		lock->left_to_orphan = false;
	}
	return lock->left_to_orphan ? -1 : lock->device_fd;
}

void
rescue_lock_free(RescueLock *lock)
{
	if (lock == NULL)
		return;
	rescue_fd_clear(&lock->device_fd);
	rescue_fd_clear(&lock->supervisor_fd);
	g_free(lock->job);
	g_free(lock);
}

bool
rescue_lock_who(RescueEcid ecid, RescueLockHolder *ret_holder)
{
	rescue_autofd supervisor_fd = rescue_lockfile_open(ecid, "supervisor", false, NULL);
	rescue_autofd device_fd = rescue_lockfile_open(ecid, "lock", false, NULL);
	RescueLockHolder holder = { .pid = 0 };

	if (supervisor_fd >= 0 && rescue_lockfile_is_held(supervisor_fd)) {
		read_supervisor(supervisor_fd, &holder);
		if (device_fd >= 0)
			read_engine(device_fd, &holder);
	} else if (device_fd >= 0 && rescue_lockfile_is_held(device_fd)) {
		read_orphan(device_fd, &holder);
	} else {
		return false;
	}
	*ret_holder = holder;
	return true;
}

static bool
is_held(const char *name)
{
	rescue_autofd fd = rescue_lockfile_open_name(name, false, NULL);

	return fd >= 0 && rescue_lockfile_is_held(fd);
}

bool
rescue_lock_is_any_other(RescueEcid ecid)
{
	char text[RESCUE_ECID_TEXT];
	g_autofree char *own = g_strconcat(rescue_ecid_format(ecid, text), LOCK, NULL);
	g_auto(GStrv) names = rescue_lockfile_list(LOCK);

	for (char **name = names; *name != NULL; name++)
		if (strcmp(*name, own) != 0 && is_held(*name))
			return true;
	return false;
}

void
rescue_lock_holder_clear(RescueLockHolder *holder)
{
	g_clear_pointer(&holder->job, g_free);
	*holder = (RescueLockHolder){ .pid = 0 };
}
