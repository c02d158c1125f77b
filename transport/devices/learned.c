/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/devices/learned.h"

#include <string.h>

#include "core/base/path.h"

enum {
	MAX_FILE_BYTES = 1024 * 1024,
	MAX_ENTRIES = 8192, /* a station sees a phone once: what is forgotten is asked for again */
	FILE_MODE = 0600,
};

#define FILE_NAME "udid-ecid"

struct RescueLearned {
	char *path;        /* NULL: memory only */
	GHashTable *ecids; /* UDID → RescueEcid, boxed */
};

static void
remember(RescueLearned *learned, const char *udid, RescueEcid ecid)
{
	RescueEcid *boxed = g_new(RescueEcid, 1);
	*boxed = ecid;
	if (g_hash_table_size(learned->ecids) >= MAX_ENTRIES)
		g_hash_table_remove_all(learned->ecids);
	g_hash_table_replace(learned->ecids, g_strdup(udid), boxed);
}

/** "UDID 0xECID", one each line; a line that is anything else is skipped. */
static void
read_line(RescueLearned *learned, const char *line)
{
	g_auto(GStrv) words = g_strsplit(line, " ", 3);
	RescueEcid ecid;
	if (g_strv_length(words) == 2 && words[0][0] != '\0' &&
	    rescue_ecid_parse(words[1], &ecid, NULL))
		remember(learned, words[0], ecid);
}

static void
read_file(RescueLearned *learned)
{
	g_autofree char *text = learned->path != NULL
				    ? rescue_path_read(learned->path, MAX_FILE_BYTES, NULL, NULL)
				    : NULL;
	if (text == NULL)
		return;
	g_auto(GStrv) lines = g_strsplit(text, "\n", MAX_ENTRIES);
	for (char **line = lines; *line != NULL; line++)
		read_line(learned, *line);
}

static bool
write_file(const RescueLearned *learned, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autofree char *dir = g_path_get_dirname(learned->path);
	char buffer[RESCUE_ECID_TEXT];
	GHashTableIter iter;
	gpointer udid;
	gpointer ecid;
	g_hash_table_iter_init(&iter, learned->ecids);
	while (g_hash_table_iter_next(&iter, &udid, &ecid))
		g_string_append_printf(text, "%s %s\n", (const char *)udid,
				       rescue_ecid_format(*(const RescueEcid *)ecid, buffer));
	return rescue_path_make_dir(dir, error) &&
	       rescue_path_put(learned->path, text->str, text->len, FILE_MODE, error);
}

RescueLearned *
rescue_learned_new(const char *state_dir)
{
	RescueLearned *learned = g_new0(RescueLearned, 1);
	learned->path = state_dir != NULL ? g_build_filename(state_dir, FILE_NAME, NULL) : NULL;
	learned->ecids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	read_file(learned);
	return learned;
}

void
rescue_learned_free(RescueLearned *learned)
{
	if (learned == NULL)
		return;
	g_hash_table_unref(learned->ecids);
	g_free(learned->path);
	g_free(learned);
}

RescueEcid
rescue_learned_get(const RescueLearned *learned, const char *udid)
{
	const RescueEcid *ecid = g_hash_table_lookup(learned->ecids, udid);
	return ecid != NULL ? *ecid : 0;
}

bool
rescue_learned_set(RescueLearned *learned, const char *udid, RescueEcid ecid, GError **error)
{
	if (rescue_learned_get(learned, udid) == ecid)
		return true;
	/* another process may have written meanwhile; what it learned is as good as ours */
	read_file(learned);
	remember(learned, udid, ecid);
	return learned->path == NULL || write_file(learned, error);
}

bool
rescue_learned_forget(RescueLearned *learned, bool (*keep)(RescueEcid ecid, const void *data),
		      const void *data, GError **error)
{
	GHashTableIter iter;
	gpointer ecid;
	bool changed = false;
	read_file(learned);
	g_hash_table_iter_init(&iter, learned->ecids);
	while (g_hash_table_iter_next(&iter, NULL, &ecid)) {
		if (keep(*(const RescueEcid *)ecid, data))
			continue;
		g_hash_table_iter_remove(&iter);
		changed = true;
	}
	return !changed || learned->path == NULL || write_file(learned, error);
}
