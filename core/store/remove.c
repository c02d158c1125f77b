/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/store/remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/store/journal.h"

#define TICKETS   "tickets"
#define MAX_DEPTH 32 /* of folders; what jobs leave behind is far flatter */

static bool
io_error(const char *path, int code, GError **error)
{
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot delete ‘%s’: %s", path,
		    g_strerror(code));
	return false;
}

static bool
is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool remove_at(int parent, const char *name, unsigned depth);

/** Takes `fd`. */
static bool
empty_folder(int fd, unsigned depth)
{
	DIR *folder = fdopendir(fd);
	const struct dirent *entry;
	bool gone = folder != NULL;

	if (folder == NULL) {
		(void)close(fd);
		return false;
	}
	while (depth < MAX_DEPTH && (entry = readdir(folder)) != NULL) {
		if (!is_dots(entry->d_name))
			gone &= remove_at(fd, entry->d_name, depth + 1);
	}
	(void)closedir(folder);
	return gone;
}

/** Follows no link: a folder is entered only as what it is. */
static bool
remove_at(int parent, const char *name, unsigned depth)
{
	int fd;

	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return true;
	if (errno != EISDIR && errno != EPERM)
		return false;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || !empty_folder(fd, depth))
		return false;
	return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

bool
rescue_store_remove_tree(const char *path, GError **error)
{
	return remove_at(AT_FDCWD, path, 0) || io_error(path, errno, error);
}

/** Everything but the journal. */
static bool
remove_belongings(const char *dir, const char *journal, GError **error)
{
	g_autoptr(GDir) folder = g_dir_open(dir, 0, NULL);
	g_autofree char *kept = g_path_get_basename(journal);
	const char *name;

	while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
		g_autofree char *path = g_build_filename(dir, name, NULL);
		if (strcmp(name, kept) != 0 && !rescue_store_remove_tree(path, error))
			return false;
	}
	return true;
}

bool
rescue_store_remove_job(const char *state_dir, const char *job, GError **error)
{
	g_autofree char *journal = rescue_journal_path(state_dir, job, error);
	g_autofree char *dir = journal != NULL ? g_path_get_dirname(journal) : NULL;

	if (dir == NULL)
		return false;
	/* what a link leads to is not ours */
	return (g_file_test(dir, G_FILE_TEST_IS_SYMLINK) ||
		remove_belongings(dir, journal, error)) &&
	       rescue_store_remove_tree(dir, error);
}

/** The number stands in the name by itself: not as a part of a longer one. */
static bool
has_token(const char *name, const char *token)
{
	size_t size = strlen(token);

	for (const char *at = strstr(name, token); at != NULL; at = strstr(at + 1, token)) {
		bool begins = at == name || !g_ascii_isalnum(at[-1]);
		if (begins && !g_ascii_isalnum(at[size]))
			return true;
	}
	return false;
}

static bool
names_device(const char *name, RescueEcid ecid)
{
	g_autofree char *lower = g_ascii_strdown(name, -1);
	g_autofree char *full = g_strdup_printf("%016" G_GINT64_MODIFIER "x", ecid);
	g_autofree char *brief = g_strdup_printf("%" G_GINT64_MODIFIER "x", ecid);
	g_autofree char *decimal = g_strdup_printf("%" G_GUINT64_FORMAT, ecid);
	g_autofree char *full_0x = g_strconcat("0x", full, NULL);
	g_autofree char *brief_0x = g_strconcat("0x", brief, NULL);
	const char *const forms[] = { full, brief, decimal, full_0x, brief_0x };

	for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
		if (has_token(lower, forms[i]))
			return true;
	}
	return false;
}

static bool
remove_named(const char *dir, RescueEcid ecid, unsigned depth, GError **error)
{
	g_autoptr(GDir) folder = depth < MAX_DEPTH ? g_dir_open(dir, 0, NULL) : NULL;
	const char *name;

	while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
		g_autofree char *path = g_build_filename(dir, name, NULL);
		bool link = g_file_test(path, G_FILE_TEST_IS_SYMLINK);
		bool below = !link && g_file_test(path, G_FILE_TEST_IS_DIR);
		bool fine = names_device(name, ecid)
				? rescue_store_remove_tree(path, error)
				: !below || remove_named(path, ecid, depth + 1, error);
		if (!fine)
			return false;
	}
	return true;
}

bool
rescue_store_remove_tickets(const char *state_dir, RescueEcid ecid, GError **error)
{
	g_autofree char *dir = g_build_filename(state_dir, TICKETS, NULL);

	return remove_named(dir, ecid, 0, error);
}

bool
rescue_store_remove_all_tickets(const char *state_dir, GError **error)
{
	g_autofree char *dir = g_build_filename(state_dir, TICKETS, NULL);

	return rescue_store_remove_tree(dir, error);
}
