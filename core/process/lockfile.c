/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/process/lockfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/process/fd.h"

#define FOLDER_VARIABLE "IDEVICERESCUE_LOCK_DIR"
#define FOLDER          "/run/lock/idevicerescue"
#define FOLDER_FALLBACK "/tmp/idevicerescue-lock"

/* The line in a lock file. */
#define MAX_LINE 4096u
/* Of opening: the file may vanish or appear between two looks. */
#define MAX_TRIES 8
/* From one try of a lock that somebody has to the next. */
#define LOOK_MS 20

static void
set_io_error(GError **error, const char *what, const char *path, int code)
{
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot %s ‘%s’: %s", what, path,
		    g_strerror(code));
}

/** Everybody shall be able to lock in it, and nobody to remove another's file. */
static int
make_folder(const char *path)
{
	mode_t before = umask(0);
	int made = mkdir(path, 01777);
	int code = errno;

	(void)umask(before);
	return made == 0 || code == EEXIST ? 0 : code;
}

static bool
is_trustworthy(const struct stat *status)
{
	return status->st_uid == 0 || status->st_uid == geteuid() ||
	       (status->st_mode & S_ISVTX) != 0;
}

static int
open_folder_at(const char *path, bool create, GError **error)
{
	struct stat status;
	int code = create ? make_folder(path) : 0;
	rescue_autofd fd = code == 0 ? open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
				     : -1;

	if (fd < 0) {
		set_io_error(error, "use the lock folder", path, code != 0 ? code : errno);
		return -1;
	}
	if (fstat(fd, &status) < 0 || !is_trustworthy(&status)) {
		set_io_error(error, "trust the owner of the lock folder", path, EPERM);
		return -1;
	}
	return rescue_fd_steal(&fd);
}

/**
 * The fallback is only for hosts on which the first folder neither exists nor can be made: all
 * users must agree.
 */
static int
open_folder(bool create, GError **error)
{
	const char *chosen = g_getenv(FOLDER_VARIABLE);

	if (chosen != NULL && chosen[0] != '\0')
		return open_folder_at(chosen, create, error);
	if (create)
		(void)make_folder(FOLDER);
	if (g_file_test(FOLDER, G_FILE_TEST_EXISTS))
		return open_folder_at(FOLDER, false, error);
	return open_folder_at(FOLDER_FALLBACK, create, error);
}

/**
 * First without O_CREAT: the kernel (fs.protected_regular) refuses that flag for other users' files
 * in a sticky folder, to root as well.
 */
static int
open_or_make(int folder, const char *name, bool create)
{
	for (int tries = 0; tries < MAX_TRIES; tries++) {
		int fd = openat(folder, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0 || errno != ENOENT || !create)
			return fd;
		mode_t before = umask(0);
		fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
		(void)umask(before);
		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

int
rescue_lockfile_open_name(const char *name, bool create, GError **error)
{
	g_autoptr(GError) absent = NULL;
	rescue_autofd folder = open_folder(create, create ? error : &absent);
	struct stat status;

	if (folder < 0)
		return -1;
	rescue_autofd fd = open_or_make(folder, name, create);
	if (fd < 0) {
		if (create || errno != ENOENT)
			set_io_error(error, "open the lock file", name, errno);
		return -1;
	}
	/* a hard link to somebody's file must not be written over */
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_nlink != 1) {
		set_io_error(error, "trust the lock file", name, EPERM);
		return -1;
	}
	return rescue_fd_steal(&fd);
}

int
rescue_lockfile_open(RescueEcid ecid, const char *kind, bool create, GError **error)
{
	char text[RESCUE_ECID_TEXT];
	g_autofree char *name = g_strdup_printf("%s.%s", rescue_ecid_format(ecid, text), kind);

	return rescue_lockfile_open_name(name, create, error);
}

GStrv
rescue_lockfile_list(const char *suffix)
{
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();
	rescue_autofd folder = open_folder(false, NULL);
	DIR *dir = folder >= 0 ? fdopendir(folder) : NULL;
	const struct dirent *entry;

	if (dir == NULL)
		return g_strv_builder_end(names);
	(void)rescue_fd_steal(&folder); /* it is the stream's now */
	while ((entry = readdir(dir)) != NULL)
		if (g_str_has_suffix(entry->d_name, suffix))
			g_strv_builder_add(names, entry->d_name);
	(void)closedir(dir);
	return g_strv_builder_end(names);
}

void
rescue_lockfile_remove(const char *name)
{
	rescue_autofd folder = open_folder(false, NULL);

	if (folder >= 0)
		(void)unlinkat(folder, name, 0);
}

bool
rescue_lockfile_is_ours(int fd, const char *name)
{
	rescue_autofd folder = open_folder(false, NULL);
	struct stat open_one, named;

	return folder >= 0 && fstat(fd, &open_one) == 0 &&
	       fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev &&
	       (named.st_uid == 0 || named.st_uid == geteuid());
}

bool
rescue_lockfile_take(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

bool
rescue_lockfile_await(int fd, unsigned wait_ms)
{
	int64_t until_us = g_get_monotonic_time() + (int64_t)wait_ms * 1000;

	while (!rescue_lockfile_take(fd)) {
		if (g_get_monotonic_time() >= until_us)
			return false;
		(void)poll(NULL, 0, LOOK_MS); /* the kernel tells nobody that a lock is free */
	}
	return true;
}

bool
rescue_lockfile_is_held(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

void
rescue_lockfile_write(int fd, const RescueJson *line)
{
	g_autofree char *text = rescue_json_dump(line);
	g_autofree char *whole = g_strconcat(text, "\n", NULL);
	size_t size = strlen(whole);

	if (size > MAX_LINE || pwrite(fd, whole, size, 0) != (ssize_t)size)
		size = 0;
	(void)!ftruncate(fd, (off_t)size);
}

RescueJson *
rescue_lockfile_read(int fd)
{
	char text[MAX_LINE];
	ssize_t got = pread(fd, text, sizeof text, 0);
	const char *end = got > 0 ? memchr(text, '\n', (size_t)got) : NULL;

	return end != NULL ? rescue_json_parse(text, (size_t)(end - text), NULL) : NULL;
}
