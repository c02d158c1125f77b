/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/config/ini.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/path.h"

bool
rescue_config_refuse(GError **error, const char *what, const char *which)
{
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT, "%s ‘%s’", what, which);
	return false;
}

/* "[group]" or "key=": what a line introduces; NULL for blank lines, comments and what GKeyFile refuses itself */
static char *
introduced(const char *line, bool *ret_group)
{
	line += strspn(line, " \t");
	*ret_group = line[0] == '[';
	if (*ret_group)
		return g_strndup(line + 1, strcspn(line + 1, "]"));
	if (line[0] == '#' || line[strcspn(line, "=")] == '\0')
		return NULL;
	return g_strchomp(g_strndup(line, strcspn(line, "=")));
}

/* GKeyFile merges what stands twice; here it is a mistake somebody should know about */
static bool
check_unique(const char *text, GError **error)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *group = g_strdup("");

	for (size_t i = 0; lines[i] != NULL; i++) {
		bool is_group;
		g_autofree char *name = introduced(lines[i], &is_group);
		g_autofree char *full = NULL;
		if (name == NULL)
			continue;
		full = is_group ? g_strdup_printf("[%s]", name)
				: g_strdup_printf("[%s] %s", group, name);
		if (g_hash_table_contains(seen, full))
			return rescue_config_refuse(error, "said twice:", full);
		g_hash_table_add(seen, g_steal_pointer(&full));
		if (is_group) {
			g_free(group);
			group = g_steal_pointer(&name);
		}
	}
	return true;
}

static void
free_entry(void *data)
{
	RescueIniEntry *entry = data;

	g_free(entry->key);
	g_free(entry->value);
	g_free(entry);
}

static void
free_group(void *data)
{
	RescueIniGroup *group = data;

	g_free(group->name);
	g_ptr_array_unref(group->entries);
	g_free(group);
}

static bool
add_group(GPtrArray *groups, GKeyFile *file, const char *name, GError **error)
{
	RescueIniGroup *group = g_new0(RescueIniGroup, 1);
	g_auto(GStrv) keys = g_key_file_get_keys(file, name, NULL, NULL);

	group->name = g_strdup(name);
	group->entries = g_ptr_array_new_with_free_func(free_entry);
	g_ptr_array_add(groups, group);
	for (size_t i = 0; keys != NULL && keys[i] != NULL; i++) {
		char *value = g_key_file_get_string(file, name, keys[i], NULL);
		RescueIniEntry *entry;
		if (value == NULL)
			return rescue_config_refuse(error, "unreadable value of", keys[i]);
		entry = g_new(RescueIniEntry, 1);
		*entry = (RescueIniEntry){ g_strdup(keys[i]), value };
		g_ptr_array_add(group->entries, entry);
	}
	return true;
}

GPtrArray *
rescue_ini_parse(const char *text, size_t size, const char *what, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func(free_group);
	g_autoptr(GError) syntax = NULL;
	g_auto(GStrv) names = NULL;

	if (strlen(text) != size) {
		(void)rescue_config_refuse(error, "not a text file:", "NUL");
		return NULL;
	}
	if (!g_key_file_load_from_data(file, text, size, G_KEY_FILE_NONE, &syntax)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT, "not a %s file: ‘%s’",
			    what, syntax->message);
		return NULL;
	}
	if (!check_unique(text, error))
		return NULL;
	names = g_key_file_get_groups(file, NULL);
	for (size_t i = 0; names[i] != NULL; i++) {
		if (!add_group(groups, file, names[i], error))
			return NULL;
	}
	return g_steal_pointer(&groups);
}

bool
rescue_config_blame(GError **error, const char *path)
{
	g_autofree char *name = g_filename_display_name(path);

	g_prefix_error(error, "%s: ", name);
	return false;
}

GPtrArray *
rescue_ini_load(const char *path, const char *what, GError **error)
{
	size_t size;
	g_autofree char *text = rescue_path_read(path, RESCUE_CONFIG_MAX_BYTES, &size, error);
	GPtrArray *groups = NULL;

	if (text == NULL)
		return NULL;
	groups = rescue_ini_parse(text, size, what, error);
	if (groups == NULL)
		(void)rescue_config_blame(error, path);
	return groups;
}

const char *
rescue_ini_group_name(const RescueIniGroup *group, const char *prefix)
{
	size_t n = strlen(prefix);

	if (strncmp(group->name, prefix, n) != 0 || group->name[n] != ' ')
		return NULL;
	return group->name[n + 1] != '\0' ? group->name + n + 1 : NULL;
}
