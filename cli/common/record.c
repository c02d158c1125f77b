/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/record.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/common/history.h"
#include "core/base/path.h"
#include "core/process/fd.h"
#include "core/store/journal.h"
#include "core/store/record.h"

#define RECORD_MODE 0600
#define JOURNAL     "journal"

enum { CHUNK = 64 * 1024 };

/* of a regular file; NULL when it cannot be read to its end. Caller frees */
static char *
digest_file(const char *path, int64_t *ret_size)
{
	rescue_autofd fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	g_autofree guchar *bytes = g_malloc(CHUNK);
	struct stat status;
	ssize_t got;

	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return NULL;
	*ret_size = 0;
	while ((got = read(fd, bytes, CHUNK)) > 0) {
		g_checksum_update(sum, bytes, got);
		*ret_size += got;
	}
	return got == 0 ? g_strdup(g_checksum_get_string(sum)) : NULL;
}

static void
add_digest(RescueJson *digests, const char *job_dir, const char *name)
{
	g_autofree char *path = g_build_filename(job_dir, name, NULL);
	int64_t size = 0;
	g_autofree char *sum = digest_file(path, &size);
	RescueJson *digest;

	if (sum == NULL)
		return;
	digest = rescue_json_object_new();
	rescue_json_set_string(digest, "name", name);
	rescue_json_set_int(digest, "size", size);
	rescue_json_set_string(digest, "sha256", sum);
	rescue_json_append_take(digests, digest);
}

RescueJson *
rescue_record_of(const char *job_dir, const GPtrArray *events, bool torn)
{
	g_autoptr(GPtrArray) transcripts = rescue_history_transcripts(job_dir);
	g_autoptr(RescueJson) digests = rescue_json_array_new();

	add_digest(digests, job_dir, JOURNAL);
	for (guint i = 0; i < transcripts->len; i++)
		add_digest(digests, job_dir, transcripts->pdata[i]);
	return rescue_record_build(events, torn, digests);
}

RescueJson *
rescue_record_read(const char *state_dir, const char *job, GError **error)
{
	g_autofree char *path = rescue_journal_path(state_dir, job, error);
	g_autofree char *dir = path != NULL ? g_path_get_dirname(path) : NULL;
	g_autoptr(GPtrArray) events = NULL;
	bool torn = false;

	if (path == NULL || !rescue_history_check_job(state_dir, job, error))
		return NULL;
	events = rescue_journal_read(path, &torn, error);
	return events != NULL ? rescue_record_of(dir, events, torn) : NULL;
}

bool
rescue_record_write(const RescueJson *record, const char *path, GError **error)
{
	g_autofree char *text = rescue_json_dump(record);
	g_autofree char *line = g_strconcat(text, "\n", NULL);

	return rescue_path_write(path, line, strlen(line), RECORD_MODE, error);
}
