/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/signing/budget.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/path.h"
#include "core/process/fd.h"
#include "core/process/lockfile.h"

#define FILE_NAME "signing-budget"
#define MS        INT64_C(1000) /* microseconds */
#define SLACK_US  ((RESCUE_SIGNING_BURST - 1) * RESCUE_SIGNING_INTERVAL_MS * MS)
/* what lies further ahead was written by a clock that was wrong */
#define MAX_AHEAD_US (600 * G_USEC_PER_SEC)
#define MAX_TEXT     32u
#define HOLDER_MS    1000u /* it is held for a few microseconds */

/*
 * The file holds one number: the wall time at which the bucket will be full again. It is compared, never subtracted
 * from anything that outlives this call, and what a changed clock makes of it is bounded.
 */

char *
rescue_signing_budget_path(const char *state_dir)
{
	return g_build_filename(state_dir, FILE_NAME, NULL);
}

static bool
broken(const char *path, GError **error)
{
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot use ‘%s’: %s", path,
		    g_strerror(errno));
	return false;
}

static int
open_budget(const char *path, GError **error)
{
	g_autofree char *dir = g_path_get_dirname(path);
	int fd;

	if (!rescue_path_make_dir(dir, error))
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		broken(path, error);
	return fd;
}

/* never in the past, never absurdly far ahead */
static int64_t
read_time(int fd, int64_t wall_us)
{
	char text[MAX_TEXT + 1] = { 0 };
	guint64 value;

	if (pread(fd, text, MAX_TEXT, 0) <= 0 ||
	    !g_ascii_string_to_unsigned(g_strchomp(text), 10, 0, INT64_MAX, &value, NULL) ||
	    (int64_t)value < wall_us || (int64_t)value - wall_us > MAX_AHEAD_US)
		return wall_us;
	return (int64_t)value;
}

static bool
write_time(int fd, int64_t time_us)
{
	g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT "\n", time_us);
	size_t size = strlen(text);

	return ftruncate(fd, 0) == 0 && pwrite(fd, text, size, 0) == (ssize_t)size;
}

bool
rescue_signing_budget_take(const char *path, int64_t wall_us, int64_t *ret_wait_ms, GError **error)
{
	rescue_autofd fd = open_budget(path, error);
	int64_t full_us;

	if (fd < 0)
		return false;
	if (!rescue_lockfile_await(fd, HOLDER_MS)) {
		*ret_wait_ms = RESCUE_SIGNING_INTERVAL_MS;
		return true;
	}
	full_us = read_time(fd, wall_us);
	if (!write_time(fd, full_us + RESCUE_SIGNING_INTERVAL_MS * MS))
		return broken(path, error);
	*ret_wait_ms = MAX(0, (full_us - wall_us - SLACK_US) / MS);
	return true;
}

bool
rescue_signing_budget_punish(const char *path, int64_t wall_us, GError **error)
{
	rescue_autofd fd = open_budget(path, error);
	int64_t full_us;

	if (fd < 0)
		return false;
	/* also when one that hangs holds it: what matters is that nobody asks */
	(void)rescue_lockfile_await(fd, HOLDER_MS);
	full_us = MAX(read_time(fd, wall_us), wall_us + SLACK_US + RESCUE_SIGNING_PENALTY_MS * MS);
	return write_time(fd, full_us) || broken(path, error);
}
