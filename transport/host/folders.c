/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "transport/host/host.h"

/* what there is of a folder that may be made later: itself, or the nearest one above it. Caller frees. */
static char *
existing(const char *path)
{
	char *at = g_strdup(path);

	while (!g_file_test(at, G_FILE_TEST_EXISTS) && strcmp(at, "/") != 0) {
		char *above = g_path_get_dirname(at);
		g_free(at);
		at = above;
	}
	return at;
}

/* by really doing it: rights, quotas and read-only mounts all count, and nothing gets a name */
static const char *
try_to_write(const char *dir)
{
	static const char word[] = "idevicerescue";
	int fd;
	bool fine;

	if (access(dir, W_OK | X_OK) < 0)
		return g_strerror(errno);
	fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	/* not every file system has files without a name; those that have not are taken at their word */
	if (fd < 0)
		return errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT
			   ? NULL
			   : g_strerror(errno);
	fine = write(fd, word, sizeof(word)) == (ssize_t)sizeof(word);
	(void)close(fd); /* it has no name, so it is gone */
	return fine ? NULL : g_strerror(ENOSPC);
}

void
rescue_host_look_at_folder(RescueFolder folder, const char *path, RescueFindings *report)
{
	RescueFolderFacts facts = { .folder = folder, .path = path };
	g_autofree char *at = existing(path);
	struct statvfs info;

	if (!g_file_test(at, G_FILE_TEST_IS_DIR))
		facts.why = g_strerror(ENOTDIR);
	else
		facts.why = try_to_write(at);
	if (statvfs(at, &info) == 0) {
		facts.free_known = true;
		facts.free_bytes = info.f_files > 0 && info.f_favail == 0
				       ? 0
				       : (uint64_t)info.f_bavail * info.f_frsize;
		facts.noexec = (info.f_flag & ST_NOEXEC) != 0;
	}
	rescue_folder_judge(&facts, report);
}
