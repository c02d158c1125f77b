/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/config/ini.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/parse.h"
#include "core/base/text.h"

#define MAX_NAME 64
#define MAX_TEXT 512

static bool
read_text(char **field, size_t max, const char *text, GError **error)
{
	if (text[0] == '\0')
		return rescue_config_refuse(error, "nothing is said:", text);
	if (strlen(text) > max)
		return rescue_config_refuse(error, "too long:", text);
	rescue_set_string(field, text);
	return true;
}

static bool
read_yes_no(bool *field, const char *text, GError **error)
{
	bool yes = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;

	if (!yes && strcmp(text, "no") != 0 && strcmp(text, "false") != 0)
		return rescue_config_refuse(error, "neither yes nor no:", text);
	*field = yes;
	return true;
}

static bool
read_ms(int64_t *ret_ms, const RescueField *field, const char *text, GError **error)
{
	int64_t ms;

	if (!rescue_parse_duration(text, &ms, error))
		return false;
	if (field->kind == RESCUE_FIELD_DURATION && ms > G_MAXINT)
		return rescue_config_refuse(error, "too long:", text);
	if ((uint64_t)ms < field->min || (field->max != 0 && (uint64_t)ms > field->max))
		return rescue_config_refuse(error, "too short or too long:", text);
	*ret_ms = ms;
	return true;
}

static bool
read_size(uint64_t *size, const RescueField *field, const char *text, GError **error)
{
	uint64_t bytes;

	if (!rescue_parse_size(text, &bytes, error))
		return false;
	if (bytes < field->min || (field->max != 0 && bytes > field->max))
		return rescue_config_refuse(error, "too small or too large:", text);
	*size = bytes;
	return true;
}

static bool
read_percent(double *share, const char *text, GError **error)
{
	uint64_t value;
	g_autofree char *digits = NULL;

	if (!g_str_has_suffix(text, "%"))
		return rescue_config_refuse(error, "not a share such as 3%:", text);
	digits = g_strchomp(g_strndup(text, strlen(text) - 1));
	if (!rescue_parse_uint(digits, 0, 100, &value, error))
		return false;
	*share = (double)value / 100;
	return true;
}

static bool
read_list(char ***list, const char *text, GError **error)
{
	g_auto(GStrv) words = g_strsplit(text, ";", -1);

	for (size_t i = 0; words[i] != NULL; i++) {
		if (g_strstrip(words[i])[0] == '\0')
			return rescue_config_refuse(error, "an empty word in the list", text);
	}
	if (words[0] == NULL)
		return rescue_config_refuse(error, "an empty list", text);
	g_strfreev(*list);
	*list = g_steal_pointer(&words);
	return true;
}

static bool
read_count(unsigned *count, const RescueField *field, const char *text, GError **error)
{
	uint64_t value;

	if (!rescue_parse_uint(text, field->min, field->max, &value, error))
		return false;
	*count = (unsigned)value;
	return true;
}

static bool
read_duration(int *duration_ms, const RescueField *field, const char *text, GError **error)
{
	int64_t ms;

	if (!read_ms(&ms, field, text, error))
		return false;
	*duration_ms = (int)ms;
	return true;
}

bool
rescue_field_read(const RescueField *field, void *object, const char *value, GError **error)
{
	void *member = (char *)object + field->offset;

	switch (field->kind) {
	case RESCUE_FIELD_NAME:
		return read_text(member, MAX_NAME, value, error);
	case RESCUE_FIELD_TEXT:
		return read_text(member, MAX_TEXT, value, error);
	case RESCUE_FIELD_COUNT:
		return read_count(member, field, value, error);
	case RESCUE_FIELD_DURATION:
		return read_duration(member, field, value, error);
	case RESCUE_FIELD_LONG_DURATION:
		return read_ms(member, field, value, error);
	case RESCUE_FIELD_YES_NO:
		return read_yes_no(member, value, error);
	case RESCUE_FIELD_SIZE:
		return read_size(member, field, value, error);
	case RESCUE_FIELD_PERCENT:
		return read_percent(member, value, error);
	case RESCUE_FIELD_LIST:
		return read_list(member, value, error);
	}
	g_return_val_if_reached(false);
}

static const RescueField *
find_field(const RescueField *fields, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(fields[i].key, key) == 0)
			return &fields[i];
	}
	return NULL;
}

bool
rescue_fields_read(const RescueField *fields, size_t n, void *object, const RescueIniGroup *group,
		   GError **error)
{
	for (unsigned i = 0; i < group->entries->len; i++) {
		const RescueIniEntry *entry = g_ptr_array_index(group->entries, i);
		const RescueField *field = find_field(fields, n, entry->key);
		if (field == NULL) {
			g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
				    "unknown key in [%s]: ‘%s’", group->name, entry->key);
			return false;
		}
		if (!rescue_field_read(field, object, entry->value, error)) {
			g_prefix_error(error, "[%s] %s: ", group->name, entry->key);
			return false;
		}
	}
	return true;
}
