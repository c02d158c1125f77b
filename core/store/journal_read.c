/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/store/journal.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/path.h"
#include "core/store/checksum.h"
#include "core/store/journal_line.h"

#define JOBS_FOLDER   "jobs"
#define JOURNAL_NAME  "journal"
#define MAX_FIRST     16384u /* the wish of a job is far shorter */
#define MAX_JOB_ID    64u
#define CHECKSUM_TEXT 8u /* hex digits */

char *
rescue_journal_make_line(const RescueJson *event)
{
	g_autofree char *text = rescue_json_dump(event);

	return g_strdup_printf("%s\t%08x\n", text, rescue_checksum(text, strlen(text)));
}

/** The event of one line without its newline; NULL when the line is not to be believed. */
static RescueJson *
read_line(const char *line, size_t size)
{
	char expected[CHECKSUM_TEXT + 1];

	if (size < CHECKSUM_TEXT + 1 || size > RESCUE_JOURNAL_MAX_LINE)
		return NULL;
	size_t text_size = size - CHECKSUM_TEXT - 1;
	if (line[text_size] != '\t')
		return NULL;
	(void)g_snprintf(expected, sizeof expected, "%08x", rescue_checksum(line, text_size));
	if (memcmp(expected, line + text_size + 1, CHECKSUM_TEXT) != 0)
		return NULL;
	return rescue_json_parse(line, text_size, NULL);
}

size_t
rescue_journal_scan(const char *text, size_t size, GPtrArray *events)
{
	size_t believed = 0;

	while (believed < size) {
		const char *line = text + believed;
		const char *end = memchr(line, '\n', size - believed);
		RescueJson *event = end != NULL ? read_line(line, (size_t)(end - line)) : NULL;
		if (event == NULL)
			break;
		if (events != NULL)
			g_ptr_array_add(events, event);
		else
			rescue_json_free(event);
		believed = (size_t)(end - text) + 1;
	}
	return believed;
}

static void
free_event(gpointer event)
{
	rescue_json_free(event);
}

GPtrArray *
rescue_journal_read(const char *path, bool *ret_torn, GError **error)
{
	size_t size = 0;
	g_autofree char *text = rescue_path_read(path, RESCUE_JOURNAL_MAX_BYTES, &size, error);

	if (text == NULL)
		return NULL;
	GPtrArray *events = g_ptr_array_new_with_free_func(free_event);
	size_t believed = rescue_journal_scan(text, size, events);
	if (ret_torn != NULL)
		*ret_torn = believed < size;
	return events;
}

RescueJson *
rescue_journal_read_first(const char *path)
{
	g_autofree char *text = g_malloc(MAX_FIRST);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t size = fd >= 0 ? read(fd, text, MAX_FIRST) : -1;
	const char *end = size > 0 ? memchr(text, '\n', (size_t)size) : NULL;

	if (fd >= 0)
		(void)close(fd);
	return end != NULL ? read_line(text, (size_t)(end - text)) : NULL;
}

/** Letters, digits, '-', '_' and '.', not '.' first: nothing that could lead out of the folder. */
static bool
is_job_id(const char *job)
{
	size_t size = strlen(job);

	if (size == 0 || size > MAX_JOB_ID || job[0] == '.')
		return false;
	for (size_t i = 0; i < size; i++) {
		if (!g_ascii_isalnum(job[i]) && strchr("-_.", job[i]) == NULL)
			return false;
	}
	return true;
}

static char *
job_dir(const char *state_dir, const char *job, GError **error)
{
	if (is_job_id(job))
		return g_build_filename(state_dir, JOBS_FOLDER, job, NULL);
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT, "‘%s’ is no job id", job);
	return NULL;
}

char *
rescue_journal_make_job_dir(const char *state_dir, const char *job, GError **error)
{
	g_autofree char *dir = job_dir(state_dir, job, error);

	if (dir == NULL || !rescue_path_make_dir(dir, error))
		return NULL;
	return g_steal_pointer(&dir);
}

char *
rescue_journal_path(const char *state_dir, const char *job, GError **error)
{
	g_autofree char *dir = job_dir(state_dir, job, error);

	return dir != NULL ? g_build_filename(dir, JOURNAL_NAME, NULL) : NULL;
}

static int
compare_newest_first(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)b, *(const char *const *)a);
}

char **
rescue_journal_list_jobs(const char *state_dir)
{
	g_autofree char *dir = g_build_filename(state_dir, JOBS_FOLDER, NULL);
	g_autoptr(GDir) folder = g_dir_open(dir, 0, NULL);
	GPtrArray *jobs = g_ptr_array_new();
	const char *name;

	while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
		if (is_job_id(name))
			g_ptr_array_add(jobs, g_strdup(name));
	}
	g_ptr_array_sort(jobs, compare_newest_first);
	g_ptr_array_add(jobs, NULL);
	return (char **)g_ptr_array_free(jobs, FALSE);
}
