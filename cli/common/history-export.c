/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/history.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/common/record.h"
#include "core/base/error.h"
#include "core/process/fd.h"
#include "core/store/journal.h"

/* of one transcript; the end of a longer one tells more than its beginning */
#define MAX_TRANSCRIPT ((off_t)8 * 1024 * 1024)
#define TRANSCRIPT     "transcript.log"
#define ATTEMPT        "attempt-"

static int
compare_attempts(gconstpointer a, gconstpointer b)
{
	g_autofree char *first = g_utf8_collate_key_for_filename(*(const char *const *)a, -1);
	g_autofree char *second = g_utf8_collate_key_for_filename(*(const char *const *)b, -1);

	return strcmp(first, second);
}

GPtrArray *
rescue_history_transcripts(const char *job_dir)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) folder = g_dir_open(job_dir, 0, NULL);
	const char *name;

	while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
		if (g_str_has_prefix(name, ATTEMPT))
			g_ptr_array_add(names, g_build_filename(name, TRANSCRIPT, NULL));
	}
	g_ptr_array_sort(names, compare_attempts);
	return names;
}

/* the end of the file, from the beginning of a line on; NULL when it cannot be read */
static char *
read_end(const char *path, bool *ret_cut)
{
	rescue_autofd fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	ssize_t got = 0;

	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return NULL;
	*ret_cut = status.st_size > MAX_TRANSCRIPT;
	size_t size = (size_t)MIN(status.st_size, MAX_TRANSCRIPT), done = 0;
	g_autofree char *text = g_malloc(size + 1);
	do {
		got = pread(fd, text + done, size - done,
			    MAX(status.st_size - MAX_TRANSCRIPT, 0) + (off_t)done);
		done += got > 0 ? (size_t)got : 0;
	} while (got > 0 && done < size);
	text[done] = '\0';
	for (size_t i = 0; i < done; i++)
		text[i] = text[i] == '\0' ? ' ' : text[i];
	const char *line = *ret_cut ? strchr(text, '\n') : NULL;
	return g_strdup(line != NULL ? line + 1 : text);
}

static RescueJson *
read_transcript(const char *job_dir, const char *name)
{
	g_autofree char *path = g_build_filename(job_dir, name, NULL);
	bool cut = false;
	g_autofree char *text = read_end(path, &cut);
	RescueJson *json;

	if (text == NULL)
		return NULL;
	json = rescue_json_object_new();
	rescue_json_set_string(json, "name", name);
	rescue_json_set_bool(json, "cut", cut);
	rescue_json_set_string(json, "text", text);
	return json;
}

static RescueJson *
read_transcripts(const char *job_dir)
{
	g_autoptr(GPtrArray) names = rescue_history_transcripts(job_dir);
	RescueJson *transcripts = rescue_json_array_new();

	for (guint i = 0; i < names->len; i++)
		rescue_json_append_take(transcripts, read_transcript(job_dir, names->pdata[i]));
	return transcripts;
}

static RescueJson *
events_to_json(const GPtrArray *events)
{
	RescueJson *array = rescue_json_array_new();

	for (guint i = 0; i < events->len; i++)
		rescue_json_append_take(array, rescue_json_ref(events->pdata[i]));
	return array;
}

static RescueJson *
read_document(const char *state_dir, const char *job, GError **error)
{
	g_autofree char *path = rescue_journal_path(state_dir, job, error);
	g_autofree char *dir = path != NULL ? g_path_get_dirname(path) : NULL;
	g_autoptr(RescueJournalSummary) summary = NULL;
	g_autoptr(GPtrArray) events = NULL;
	bool torn = false;

	if (path == NULL || !rescue_history_check_job(state_dir, job, error))
		return NULL;
	events = rescue_journal_read(path, &torn, error);
	if (events == NULL)
		return NULL;
	summary = rescue_journal_summarize(events, torn);
	g_free(summary->job);
	summary->job = g_strdup(job); /* of the folder, whatever the journal says */
	RescueJson *document = rescue_history_to_json(state_dir, summary);
	rescue_json_take(document, "record", rescue_record_of(dir, events, torn));
	rescue_json_take(document, "events", events_to_json(events));
	rescue_json_take(document, "transcripts", read_transcripts(dir));
	return document;
}

bool
rescue_history_learn(const char *state_dir, const char *job, RescueRedactor *redactor,
		     GError **error)
{
	g_autoptr(RescueJson) document = read_document(state_dir, job, error);
	const RescueJson *events, *transcripts;

	if (document == NULL)
		return false;
	events = rescue_json_get(document, "events");
	transcripts = rescue_json_get(document, "transcripts");
	for (size_t i = 0; i < rescue_json_length(events); i++)
		rescue_redactor_learn_event(redactor, rescue_json_at(events, i));
	for (size_t i = 0; i < rescue_json_length(transcripts); i++)
		rescue_redactor_learn_text(redactor,
					   rescue_json_get_string(rescue_json_at(transcripts, i),
								  "text"));
	return true;
}

RescueJson *
rescue_history_export(const char *state_dir, const char *job, RescueRedactor *redactor,
		      GError **error)
{
	g_autoptr(RescueJson) document = read_document(state_dir, job, error);
	RescueJson *result;

	if (document == NULL)
		return NULL;
	result = redactor != NULL ? rescue_redactor_json(redactor, document)
				  : rescue_json_ref(document);
	rescue_json_set_bool(result, "redacted", redactor != NULL);
	return result;
}
