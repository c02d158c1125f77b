/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/system/adoption/script.h"

#include <string.h>

#include "core/base/parse.h"

enum { MAX_MS = 3600 * 1000 };

static const char *const action_names[ACTION_LAST] = {
	[ACTION_KILL] = "kill",   [ACTION_KILL_ENGINE] = "kill-engine",
	[ACTION_START] = "start", [ACTION_INT] = "int",
	[ACTION_OTHER] = "other",
};

static bool
read_ms(const char *text, unsigned *ret_ms)
{
	uint64_t value = 0;

	if (!rescue_parse_uint(text, 0, MAX_MS, &value, NULL))
		return false;
	*ret_ms = (unsigned)value;
	return true;
}

static bool
read_time(Cue *cue, const char *text)
{
	g_auto(GStrv) ends = g_strsplit(text, "-", 2);

	cue->kind = CUE_TIME;
	if (ends[0] == NULL || !read_ms(ends[0], &cue->from_ms))
		return false;
	cue->to_ms = cue->from_ms;
	return ends[1] == NULL || (read_ms(ends[1], &cue->to_ms) && cue->to_ms >= cue->from_ms);
}

static bool
read_text(Cue *cue, CueKind kind, const char *text)
{
	cue->kind = kind;
	cue->text = g_strdup(text);
	return text[0] != '\0';
}

static bool
read_when(Cue *cue, const char *text)
{
	if (strcmp(text, "now") == 0)
		return true;
	if (g_str_has_prefix(text, "ms "))
		return read_time(cue, text + strlen("ms "));
	if (g_str_has_prefix(text, "step "))
		return read_text(cue, CUE_STEP, text + strlen("step "));
	return g_str_has_prefix(text, "event ") &&
	       read_text(cue, CUE_EVENT, text + strlen("event "));
}

static bool
read_action(Cue *cue, const char *word)
{
	for (int i = 0; i < ACTION_LAST; i++) {
		Action action = (Action)i;
		if (strcmp(action_names[i], word) != 0)
			continue;
		g_array_append_val(cue->actions, action);
		return true;
	}
	return false;
}

static bool
read_cue(Cue *cue, const char *text)
{
	const char *colon = strrchr(text, ':');
	bool known = colon != NULL;

	if (!known)
		return false;
	g_autofree char *when = g_strndup(text, (gsize)(colon - text));
	g_auto(GStrv) words = g_strsplit(colon + 1, " ", -1);
	for (char **word = words; *word != NULL; word++)
		known = known && ((*word)[0] == '\0' || read_action(cue, *word));
	return known && cue->actions->len > 0 && read_when(cue, g_strstrip(when));
}

Cue *
cue_parse(const char *text)
{
	Cue *cue = g_new0(Cue, 1);

	cue->actions = g_array_new(FALSE, FALSE, sizeof(Action));
	if (read_cue(cue, text))
		return cue;
	cue_free(cue);
	return NULL;
}

void
cue_free(Cue *cue)
{
	if (cue == NULL)
		return;
	g_array_unref(cue->actions);
	g_free(cue->text);
	g_free(cue);
}
