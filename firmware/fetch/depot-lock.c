/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/parse.h"
#include "firmware/fetch/depot-internal.h"

#define MAX_CMDLINE    (64u * 1024)
#define DOWNLOAD_LOCKS 16u

int
rescue_depot_open_lock(const RescueDepot *depot, const char *name, GError **error)
{
	g_autofree char *path = g_build_filename(depot->dir, "lock", name, NULL);
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);

	if (fd < 0)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot open ‘%s’: %s", path,
			    g_strerror(errno));
	return fd;
}

bool
rescue_depot_try_lock(int fd, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

bool
rescue_depot_is_locked(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* what tells a file from others before it is here; always a plain word */
static char *
make_key(const RescueRelease *release)
{
	if (release->sha256 != NULL)
		return g_strdup(release->sha256);
	return release->sha1 != NULL ? g_strdup(release->sha1) : rescue_release_name(release);
}

char *
rescue_depot_partial_path(const RescueDepot *depot, const RescueRelease *release)
{
	g_autofree char *key = make_key(release);

	return g_build_filename(depot->dir, "partial", key, NULL);
}

int
rescue_depot_lock_fetch(const RescueDepot *depot, const RescueRelease *release, GError **error)
{
	g_autofree char *key = make_key(release);
	g_autofree char *name = g_strconcat("fetch-", key, NULL);
	int fd = rescue_depot_open_lock(depot, name, error);

	if (fd < 0 || rescue_depot_try_lock(fd, F_WRLCK))
		return fd;
	(void)close(fd);
	return -1;
}

int
rescue_depot_hold(const RescueDepot *depot, const char *sha256, GError **error)
{
	g_autofree char *name = g_strconcat("use-", sha256, NULL);
	g_autofree char *path = rescue_depot_content_path(depot, sha256);
	int fd = rescue_depot_open_lock(depot, name, error);

	if (fd < 0)
		return -1;
	if (rescue_depot_try_lock(fd, F_RDLCK) && access(path, R_OK) == 0) {
		(void)futimens(fd, NULL); /* now; what is not noted is evicted a little early */
		return fd;
	}
	(void)close(fd);
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "‘%s’ was removed a moment ago",
		    path);
	return -1;
}

int64_t
rescue_depot_last_use(const RescueDepot *depot, const char *sha256)
{
	g_autofree char *name = g_strconcat("use-", sha256, NULL);
	g_autofree char *path = g_build_filename(depot->dir, "lock", name, NULL);
	struct stat status;

	return stat(path, &status) == 0 ? (int64_t)status.st_mtime * G_USEC_PER_SEC : 0;
}

/* one of its arguments is this path: an engine that outlived its job */
static bool
was_given(const char *pid, const char *path)
{
	g_autofree char *file = g_build_filename("/proc", pid, "cmdline", NULL);
	g_autofree char *words = g_malloc(MAX_CMDLINE + 1);
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd >= 0 ? read(fd, words, MAX_CMDLINE) : 0;

	if (fd >= 0)
		(void)close(fd);
	words[MAX(size, 0)] = '\0';
	for (ssize_t at = 0; at < size; at += (ssize_t)strlen(words + at) + 1)
		if (strcmp(words + at, path) == 0)
			return true;
	return false;
}

bool
rescue_depot_is_given(const char *path)
{
	g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
	g_autofree char *own = g_strdup_printf("%d", (int)getpid());
	const char *name;

	while (proc != NULL && (name = g_dir_read_name(proc)) != NULL)
		if (g_ascii_isdigit(name[0]) && strcmp(name, own) != 0 && was_given(name, path))
			return true;
	return false;
}

bool
rescue_depot_is_held(const RescueDepot *depot, const char *sha256)
{
	g_autofree char *name = g_strconcat("use-", sha256, NULL);
	g_autofree char *path = rescue_depot_content_path(depot, sha256);
	int fd = rescue_depot_open_lock(depot, name, NULL);
	bool held = fd >= 0 && rescue_depot_is_locked(fd);

	if (fd >= 0)
		(void)close(fd);
	return held || rescue_depot_is_given(path);
}

int
rescue_depot_seize(const RescueDepot *depot, const char *sha256)
{
	g_autofree char *name = g_strconcat("use-", sha256, NULL);
	g_autofree char *path = rescue_depot_content_path(depot, sha256);
	int fd = rescue_depot_open_lock(depot, name, NULL);

	if (fd >= 0 && rescue_depot_try_lock(fd, F_WRLCK) && !rescue_depot_is_given(path))
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

int
rescue_depot_join_downloads(const RescueDepot *depot)
{
	for (unsigned i = 0; i < DOWNLOAD_LOCKS; i++) {
		g_autofree char *name = g_strdup_printf("download-%u", i);
		int fd = rescue_depot_open_lock(depot, name, NULL);
		if (fd >= 0 && rescue_depot_try_lock(fd, F_WRLCK))
			return fd;
		if (fd >= 0)
			(void)close(fd);
	}
	return -1;
}

unsigned
rescue_depot_count_downloads(const RescueDepot *depot)
{
	unsigned count = 0;

	for (unsigned i = 0; i < DOWNLOAD_LOCKS; i++) {
		g_autofree char *name = g_strdup_printf("download-%u", i);
		int fd = rescue_depot_open_lock(depot, name, NULL);
		/* a new open file description: our own lock counts as somebody's, too */
		count += fd >= 0 && rescue_depot_is_locked(fd);
		if (fd >= 0)
			(void)close(fd);
	}
	return MAX(count, 1);
}
