/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "core/base/json.h"
#include "tests/system/crowd/crowd.h"

static void complain(GPtrArray *complaints, const CrowdPhone *phone, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static void
complain(GPtrArray *complaints, const CrowdPhone *phone, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *sentence = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_ptr_array_add(complaints, g_strdup_printf("%s: %s", phone->name, sentence));
}

static bool
has(const RescueJson *event, const char *key, const char *value)
{
	return event != NULL && g_strcmp0(rescue_json_get_string(event, key), value) == 0;
}

static void
take_record_line(GHashTable *modes, const char *line)
{
	g_autoptr(RescueJson) event = rescue_json_parse(line, strlen(line), NULL);
	const char *phone = event != NULL ? rescue_json_get_string(event, "phone") : NULL;
	if (phone == NULL || !has(event, "event", "mode"))
		return;
	GString *story = g_hash_table_lookup(modes, phone);
	if (story == NULL) {
		story = g_string_new(NULL);
		g_hash_table_insert(modes, g_strdup(phone), story);
	}
	const char *mode = rescue_json_get_string(event, "mode");
	g_string_append_printf(story, "%s ", g_strcmp0(mode, "off") == 0 ? "absent" : mode);
}

static void
free_story(void *data)
{
	g_string_free(data, TRUE);
}

GHashTable *
crowd_record_modes(const char *path)
{
	GHashTable *modes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_story);
	g_autofree char *content = NULL;
	if (!g_file_get_contents(path, &content, NULL, NULL))
		return modes;
	g_auto(GStrv) lines = g_strsplit(content, "\n", -1);
	for (char **line = lines; *line != NULL; line++)
		take_record_line(modes, *line);
	return modes;
}

unsigned
crowd_record_late(const char *path, unsigned *ret_most_ms)
{
	g_autofree char *content = NULL;
	unsigned times = 0;
	*ret_most_ms = 0;
	if (!g_file_get_contents(path, &content, NULL, NULL))
		return 0;
	g_auto(GStrv) lines = g_strsplit(content, "\n", -1);
	for (char **line = lines; *line != NULL; line++) {
		g_autoptr(RescueJson) event = rescue_json_parse(*line, strlen(*line), NULL);
		int64_t ms = 0;
		if (!has(event, "event", "late") || !rescue_json_get_int(event, "ms", &ms))
			continue;
		times++;
		*ret_most_ms = MAX(*ret_most_ms, (unsigned)ms);
	}
	return times;
}

/* the journal has a checksum behind a tab at the end of each line; without it, it is the stream */
static char *
read_journal(const CrowdPhone *phone, const char *job)
{
	g_autofree char *path = g_build_filename(phone->state, "idevicerescue", "jobs", job,
						 "journal", NULL);
	g_autofree char *content = NULL;
	if (job == NULL || !g_file_get_contents(path, &content, NULL, NULL))
		return NULL;
	g_auto(GStrv) lines = g_strsplit(content, "\n", -1);
	for (char **line = lines; *line != NULL; line++) {
		char *tab = strrchr(*line, '\t');
		if (tab != NULL)
			*tab = '\0';
	}
	return g_strjoinv("\n", lines);
}

/* every line has the next number; returns the last one */
static RescueJson *
judge_numbers(const CrowdPhone *phone, char **lines, GPtrArray *complaints)
{
	RescueJson *last = NULL;
	int64_t wanted = 1;
	for (char **line = lines; *line != NULL && **line != '\0'; line++, wanted++) {
		int64_t seq = 0;
		rescue_json_free(last);
		last = rescue_json_parse(*line, strlen(*line), NULL);
		if (last == NULL || !rescue_json_get_int(last, "seq", &seq) || seq != wanted)
			complain(complaints, phone, "line %d of its events is number %d",
				 (int)wanted, (int)seq);
		if (!has(last, "ecid", phone->ecid))
			complain(complaints, phone, "line %d of its events is of another phone",
				 (int)wanted);
	}
	return last;
}

static void
judge_stream(const CrowdPhone *phone, GPtrArray *complaints)
{
	g_autofree char *stream = NULL;
	if (!g_file_get_contents(phone->events, &stream, NULL, NULL)) {
		complain(complaints, phone, "it has no events");
		return;
	}
	g_auto(GStrv) lines = g_strsplit(stream, "\n", -1);
	g_autoptr(RescueJson) last = judge_numbers(phone, lines, complaints);
	if (!has(last, "event", "done") || !has(last, "outcome", "restored"))
		complain(complaints, phone, "its events do not end with ‘done’ and ‘restored’");
	const char *job = last != NULL ? rescue_json_get_string(last, "job") : NULL;
	g_autofree char *journal = read_journal(phone, job);
	if (g_strcmp0(journal, stream) != 0)
		complain(complaints, phone, "its journal is not what it told");
}

void
crowd_judge(const CrowdPhone *phone, const GString *modes, GPtrArray *complaints)
{
	g_return_if_fail(phone != NULL && complaints != NULL);

	if (phone->status != 0)
		complain(complaints, phone, "its restore ended with %d", phone->status);
	judge_stream(phone, complaints);
	const char *truth = modes != NULL ? modes->str : "";
	if (strcmp(truth, phone->watched->str) != 0)
		complain(complaints, phone, "it was %sand was seen as %s", truth,
			 phone->watched->str);
}
