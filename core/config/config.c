/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/config/config.h"

#include <stddef.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/parse.h"
#include "core/base/path.h"

#define MAX_ATTEMPTS   100
#define MAX_NAME       64
#define GROUP_POLICY   "policy"
#define GROUP_PATIENCE "patience"

typedef enum { KIND_NAME, KIND_COUNT, KIND_DURATION, KIND_LONG_DURATION, KIND_YES_NO } KeyKind;

static const struct {
	const char *key;
	size_t offset;
	KeyKind kind;
} keys[] = {
#define RESCUE_KEY(text, field, kind_id) { text, offsetof(RescuePolicy, field), KIND_##kind_id },
#include "core/config/key.def"
#undef RESCUE_KEY
};

static bool
refuse(GError **error, const char *what, const char *which)
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
		if (name == NULL)
			continue;
		char *full = is_group ? g_strdup_printf("[%s]", name)
				      : g_strdup_printf("[%s] %s", group, name);
		if (g_hash_table_contains(seen, full)) {
			(void)refuse(error, "said twice:", full);
			g_free(full);
			return false;
		}
		g_hash_table_add(seen, full);
		if (is_group) {
			g_free(group);
			group = g_steal_pointer(&name);
		}
	}
	return true;
}

static bool
read_name(const char *text, char **field, GError **error)
{
	if (text[0] == '\0' || strlen(text) > MAX_NAME)
		return refuse(error, "not a name for a policy:", text);
	g_free(*field);
	*field = g_strdup(text);
	return true;
}

static bool
read_yes_no(const char *text, bool *field, GError **error)
{
	bool yes = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;
	if (!yes && strcmp(text, "no") != 0 && strcmp(text, "false") != 0)
		return refuse(error, "neither yes nor no:", text);
	*field = yes;
	return true;
}

static bool
read_count(const char *text, unsigned *field, GError **error)
{
	uint64_t value;
	if (!rescue_parse_uint(text, 1, MAX_ATTEMPTS, &value, error))
		return false;
	*field = (unsigned)value;
	return true;
}

static bool
read_duration(const char *text, int *field, GError **error)
{
	int64_t ms;
	if (!rescue_parse_duration(text, &ms, error))
		return false;
	if (ms > G_MAXINT)
		return refuse(error, "too long:", text);
	*field = (int)ms;
	return true;
}

static bool
read_key(RescuePolicy *policy, const char *key, const char *value, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		if (strcmp(keys[i].key, key) != 0)
			continue;
		void *field = (char *)policy + keys[i].offset;
		switch (keys[i].kind) {
		case KIND_NAME:
			return read_name(value, field, error);
		case KIND_COUNT:
			return read_count(value, field, error);
		case KIND_DURATION:
			return read_duration(value, field, error);
		case KIND_LONG_DURATION:
			return rescue_parse_duration(value, field, error);
		case KIND_YES_NO:
			return read_yes_no(value, field, error);
		}
	}
	return refuse(error, "unknown key in [" GROUP_POLICY "]:", key);
}

static bool
read_patience(RescuePolicy *policy, const char *key, const char *value, GError **error)
{
	RescuePhase phase;
	if (!rescue_phase_parse(key, &phase))
		return refuse(error, "unknown phase in [" GROUP_PATIENCE "]:", key);
	return read_duration(value, &policy->patience_ms[phase], error);
}

typedef bool (*KeyReader)(RescuePolicy *policy, const char *key, const char *value, GError **error);

static bool
read_group(RescuePolicy *policy, GKeyFile *file, const char *group, GError **error)
{
	KeyReader reader = strcmp(group, GROUP_POLICY) == 0     ? read_key
			   : strcmp(group, GROUP_PATIENCE) == 0 ? read_patience
								: NULL;
	if (reader == NULL)
		return refuse(error, "unknown group", group);
	g_auto(GStrv) names = g_key_file_get_keys(file, group, NULL, NULL);
	for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
		g_autofree char *value = g_key_file_get_string(file, group, names[i], NULL);
		if (value == NULL)
			return refuse(error, "unreadable value of", names[i]);
		if (!reader(policy, names[i], value, error)) {
			g_prefix_error(error, "%s: ", names[i]);
			return false;
		}
	}
	return true;
}

static bool
read_all(RescuePolicy *policy, const char *text, size_t size, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autoptr(GError) syntax = NULL;
	if (strlen(text) != size)
		return refuse(error, "not a text file:", "NUL");
	if (!g_key_file_load_from_data(file, text, size, G_KEY_FILE_NONE, &syntax))
		return refuse(error, "not a policy file:", syntax->message);
	if (!check_unique(text, error))
		return false;
	g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);
	for (size_t i = 0; groups[i] != NULL; i++) {
		if (!read_group(policy, file, groups[i], error))
			return false;
	}
	if (policy->pause_max_ms < policy->pause_ms)
		return refuse(error, "pause-max is shorter than pause in", policy->name);
	return true;
}

RescuePolicy *
rescue_policy_load(const char *path, GError **error)
{
	size_t size;
	g_autofree char *text = rescue_path_read(path, RESCUE_CONFIG_MAX_BYTES, &size, error);
	if (text == NULL)
		return NULL;
	g_autoptr(RescuePolicy) policy = rescue_policy_new_standard();
	if (!read_all(policy, text, size, error)) {
		g_autofree char *name = g_filename_display_name(path);
		g_prefix_error(error, "%s: ", name);
		return NULL;
	}
	return g_steal_pointer(&policy);
}
