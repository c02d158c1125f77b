/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "core/base/error.h"
#include "core/store/remove.h"
#include "core/store/sqlite.h"

#define INDEX_NAME "index.sqlite"
#define STEP       (256u * 1024)
#define MAX_DEPTH  16u

typedef struct {
	RescueBackup count;
	GError **error;
} Copy;

static bool
refuse(const Copy *copy, const char *verb, const char *path)
{
	g_set_error(copy->error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot %s ‘%s’: %s", verb,
		    path, g_strerror(errno));
	return false;
}

static bool
write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, bytes, size);
		if (n < 0 && errno != EINTR)
			return false;
		bytes += MAX(n, 0);
		size -= (size_t)MAX(n, 0);
	}
	return true;
}

/* as long as the file was when it was opened: what is appended meanwhile is for the next copy */
static bool
copy_bytes(Copy *copy, int from, int to, uint64_t size)
{
	g_autofree char *buffer = g_malloc(STEP);

	while (size > 0) {
		ssize_t n = read(from, buffer, MIN(size, STEP));
		if (n == 0)
			return true;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || !write_all(to, buffer, (size_t)n))
			return false;
		size -= (uint64_t)n;
		copy->count.bytes += (uint64_t)n;
	}
	return true;
}

static bool
copy_open_file(Copy *copy, int from, const char *target)
{
	struct stat status;
	int to = open(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool done = to >= 0 && fstat(from, &status) == 0 &&
		    copy_bytes(copy, from, to, (uint64_t)status.st_size);

	copy->count.files += done;
	if (to >= 0 && close(to) != 0)
		done = false;
	return done || refuse(copy, "write", target);
}

/* one that has just been deleted is none */
static bool
copy_file(Copy *copy, const char *source, const char *target)
{
	int from = open(source, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	bool done;

	if (from < 0)
		return errno == ENOENT || errno == ELOOP || refuse(copy, "read", source);
	done = copy_open_file(copy, from, target);
	(void)close(from);
	return done;
}

static bool copy_folder(Copy *copy, const char *source, const char *target, unsigned depth);

/* locks and sockets are of processes, the index is copied by its own means, and links lead elsewhere */
static bool
copy_entry(Copy *copy, const char *source, const char *target, unsigned depth)
{
	g_autofree char *name = g_path_get_basename(source);
	struct stat status;

	if (lstat(source, &status) != 0)
		return errno == ENOENT || refuse(copy, "read", source);
	if (S_ISDIR(status.st_mode))
		return copy_folder(copy, source, target, depth + 1);
	if (!S_ISREG(status.st_mode) || strcmp(name, "lock") == 0 ||
	    g_str_has_prefix(name, INDEX_NAME) || g_file_test(target, G_FILE_TEST_EXISTS))
		return true;
	return copy_file(copy, source, target);
}

static bool
copy_folder(Copy *copy, const char *source, const char *target, unsigned depth)
{
	g_autoptr(GDir) folder = depth < MAX_DEPTH ? g_dir_open(source, 0, NULL) : NULL;
	const char *name;

	if (folder == NULL)
		return true; /* deleted meanwhile */
	if (g_mkdir(target, 0700) != 0 && errno != EEXIST)
		return refuse(copy, "make", target);
	while ((name = g_dir_read_name(folder)) != NULL) {
		g_autofree char *from = g_build_filename(source, name, NULL);
		g_autofree char *to = g_build_filename(target, name, NULL);
		if (!copy_entry(copy, from, to, depth))
			return false;
	}
	return true;
}

/* without it the next reader makes a new one: a damaged index is no reason to have no backup */
static void
copy_index(Copy *copy, const char *state_dir, const char *target)
{
	g_autofree char *from = g_build_filename(state_dir, INDEX_NAME, NULL);
	g_autofree char *to = g_build_filename(target, INDEX_NAME, NULL);
	g_autoptr(RescueSqlite) db = NULL;

	if (!g_file_test(from, G_FILE_TEST_EXISTS))
		return;
	db = rescue_sqlite_open(from, NULL);
	if (db != NULL && rescue_sqlite_copy(db, to, NULL))
		copy->count.files++;
}

static bool
copy_all(Copy *copy, const char *state_dir, const char *target)
{
	g_autofree char *station = g_build_filename(state_dir, "line", NULL);
	g_autofree char *station_copy = g_build_filename(target, "line", NULL);

	if (!copy_folder(copy, station, station_copy, 1))
		return false;
	copy_index(copy, state_dir, target);
	return copy_folder(copy, state_dir, target, 0);
}

static bool
sync_folder(const Copy *copy, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = fd >= 0 && syncfs(fd) == 0;

	if (fd >= 0)
		(void)close(fd);
	return done || refuse(copy, "write", path);
}

static bool
check_folders(const char *state_dir, const char *target, GError **error)
{
	g_autofree char *jobs = g_build_filename(state_dir, "jobs", NULL);
	g_autofree char *below = g_strconcat(state_dir, "/", NULL);

	if (!g_file_test(jobs, G_FILE_TEST_IS_DIR))
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "‘%s’ is no state folder, there are no jobs in it", state_dir);
	else if (g_file_test(target, G_FILE_TEST_EXISTS))
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "‘%s’ is there already; name a folder that is not", target);
	else if (g_str_has_prefix(target, below))
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "‘%s’ lies in the state folder itself", target);
	else
		return true;
	return false;
}

/* put in place whole; one that came there in the meantime stays */
static bool
finish(const Copy *copy, const char *made, const char *target)
{
	return sync_folder(copy, made) &&
	       (renameat2(AT_FDCWD, made, AT_FDCWD, target, RENAME_NOREPLACE) == 0 ||
		refuse(copy, "make", target));
}

bool
rescue_backup_make(const char *state_dir, const char *target, RescueBackup *ret_backup,
		   GError **error)
{
	g_autofree char *state = g_canonicalize_filename(state_dir, NULL);
	g_autofree char *full = g_canonicalize_filename(target, NULL);
	g_autofree char *made = g_strconcat(full, ".XXXXXX", NULL);
	Copy copy = { .error = error };

	if (!check_folders(state, full, error))
		return false;
	if (g_mkdtemp(made) == NULL)
		return refuse(&copy, "make", full);
	if (!copy_all(&copy, state, made) || !finish(&copy, made, full)) {
		(void)rescue_store_remove_tree(made, NULL); /* the first error is the one to tell */
		return false;
	}
	*ret_backup = copy.count;
	return true;
}
