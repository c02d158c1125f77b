/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/bench/record.h"

#include <string.h>

#include <glib.h>

#include "core/base/json.h"

typedef struct {
	GHashTable *early; /* pids of engines from before the fault */
	pid_t first;
	int64_t fault_us, next_us;
} Story;

static int64_t
get_int(const RescueJson *event, const char *key)
{
	int64_t value = 0;

	(void)rescue_json_get_int(event, key, &value);
	return value;
}

static bool
is_engine(const RescueJson *event)
{
	const char *name = rescue_json_get_string(event, "event");

	return (g_strcmp0(name, "open") == 0 || g_strcmp0(name, "session") == 0) &&
	       g_strcmp0(rescue_json_get_string(event, "comm"), "idevicerestore") == 0;
}

static void
take_event(Story *story, const RescueJson *event)
{
	if (story->fault_us == 0 && g_strcmp0(rescue_json_get_string(event, "event"), "fault") == 0)
		story->fault_us = get_int(event, "us");
	if (!is_engine(event))
		return;
	pid_t pid = (pid_t)get_int(event, "pid");
	bool is_first = story->first == 0;
	if (is_first)
		story->first = pid;
	/* a signing request comes before the engine has opened anything */
	if (story->fault_us == 0 || is_first)
		g_hash_table_add(story->early, GINT_TO_POINTER(pid));
	else if (story->next_us == 0 && !g_hash_table_contains(story->early, GINT_TO_POINTER(pid)))
		story->next_us = get_int(event, "us");
}

static Story
read_story(const char *path)
{
	Story story = { .early = g_hash_table_new(NULL, NULL) };
	g_autofree char *content = NULL;

	if (path == NULL || !g_file_get_contents(path, &content, NULL, NULL))
		content = g_strdup("");
	const char *line = content;
	for (const char *end = strchr(line, '\n'); end != NULL; end = strchr(line, '\n')) {
		g_autoptr(RescueJson) event = rescue_json_parse(line, (size_t)(end - line), NULL);
		if (event != NULL)
			take_event(&story, event);
		line = end + 1;
	}
	g_hash_table_unref(story.early);
	story.early = NULL;
	return story;
}

pid_t
bench_record_first_engine(const char *path)
{
	return read_story(path).first;
}

int64_t
bench_record_fault_us(const char *path)
{
	return read_story(path).fault_us;
}

int64_t
bench_record_next_engine_us(const char *path)
{
	return read_story(path).next_us;
}
