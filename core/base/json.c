/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/base/json.h"

#include <math.h>
#include <string.h>

#include <jansson.h>

#include "core/base/error.h"

#define MAX_DEPTH   64
#define REAL_DIGITS 15 /* so that 0.1 is written as 0.1 */

RescueJson *
rescue_json_object_new(void)
{
	return json_object();
}

RescueJson *
rescue_json_array_new(void)
{
	return json_array();
}

RescueJson *
rescue_json_ref(const RescueJson *value)
{
	return json_incref((json_t *)value);
}

RescueJson *
rescue_json_copy(const RescueJson *value)
{
	return json_deep_copy(value);
}

void
rescue_json_free(RescueJson *value)
{
	json_decref(value);
}

static json_t *
new_string(const char *value)
{
	g_autofree char *valid = g_utf8_make_valid(value, -1);
	return json_string(valid);
}

void
rescue_json_set_string(RescueJson *object, const char *key, const char *value)
{
	if (value != NULL)
		rescue_json_take(object, key, new_string(value));
}

void
rescue_json_set_int(RescueJson *object, const char *key, int64_t value)
{
	rescue_json_take(object, key, json_integer(value));
}

void
rescue_json_set_real(RescueJson *object, const char *key, double value)
{
	if (isfinite(value)) /* JSON has no word for the others */
		rescue_json_take(object, key, json_real(value));
}

void
rescue_json_set_bool(RescueJson *object, const char *key, bool value)
{
	rescue_json_take(object, key, json_boolean(value));
}

void
rescue_json_take(RescueJson *object, const char *key, RescueJson *value)
{
	if (value != NULL && json_object_set_new(object, key, value) != 0)
		g_warn_if_reached(); /* a key that is not UTF-8, or an object inside itself */
}

void
rescue_json_set_strings(RescueJson *object, const char *key, char *const *texts)
{
	RescueJson *array = rescue_json_array_new();

	for (; texts != NULL && *texts != NULL; texts++)
		rescue_json_append_string(array, *texts);
	rescue_json_take(object, key, array);
}

void
rescue_json_append_string(RescueJson *array, const char *value)
{
	if (value != NULL)
		rescue_json_append_take(array, new_string(value));
}

void
rescue_json_append_take(RescueJson *array, RescueJson *value)
{
	if (value != NULL && json_array_append_new(array, value) != 0)
		g_warn_if_reached();
}

void
rescue_json_merge(RescueJson *object, const RescueJson *from)
{
	if (json_object_update(object, (json_t *)from) != 0)
		g_warn_if_reached();
}

const char *
rescue_json_get_string(const RescueJson *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

RescueJson *
rescue_json_get(const RescueJson *object, const char *key)
{
	return json_object_get(object, key);
}

bool
rescue_json_get_int(const RescueJson *object, const char *key, int64_t *ret_value)
{
	const json_t *value = json_object_get(object, key);
	if (!json_is_integer(value))
		return false;
	*ret_value = json_integer_value(value);
	return true;
}

int64_t
rescue_json_get_int_or(const RescueJson *object, const char *key, int64_t fallback)
{
	(void)rescue_json_get_int(object, key, &fallback); /* stays as it is */
	return fallback;
}

uint64_t
rescue_json_get_count(const RescueJson *object, const char *key)
{
	return (uint64_t)MAX(rescue_json_get_int_or(object, key, 0), 0);
}

bool
rescue_json_get_real(const RescueJson *object, const char *key, double *ret_value)
{
	const json_t *value = json_object_get(object, key);
	if (!json_is_number(value))
		return false;
	*ret_value = json_number_value(value);
	return true;
}

bool
rescue_json_get_bool(const RescueJson *object, const char *key, bool fallback)
{
	const json_t *value = json_object_get(object, key);
	return json_is_boolean(value) ? json_is_true(value) : fallback;
}

size_t
rescue_json_length(const RescueJson *array)
{
	return json_array_size(array);
}

RescueJson *
rescue_json_at(const RescueJson *array, size_t index)
{
	return json_array_get(array, index);
}

bool
rescue_json_equal(const RescueJson *a, const RescueJson *b)
{
	return a == b || (a != NULL && b != NULL && json_equal(a, b));
}

const char *
rescue_json_text(const RescueJson *value)
{
	return json_string_value(value);
}

char **
rescue_json_dup_strings(const RescueJson *array)
{
	size_t n = rescue_json_length(array);
	char **texts = g_new0(char *, n + 1);

	for (size_t i = 0; i < n; i++) {
		const char *text = rescue_json_text(rescue_json_at(array, i));
		texts[i] = g_strdup(text != NULL ? text : "");
	}
	return texts;
}

typedef char *(*Rewrite)(const char *text, void *data);

static json_t *
rewrite_object(const json_t *object, Rewrite rewrite, void *data)
{
	json_t *copy = json_object();
	const char *key;
	json_t *member;
	json_object_foreach((json_t *)object, key, member)
	    rescue_json_take(copy, key, rescue_json_rewrite(member, rewrite, data));
	return copy;
}

static json_t *
rewrite_array(const json_t *array, Rewrite rewrite, void *data)
{
	json_t *copy = json_array();
	for (size_t i = 0; i < json_array_size(array); i++)
		rescue_json_append_take(copy, rescue_json_rewrite(json_array_get(array, i), rewrite,
								  data));
	return copy;
}

RescueJson *
rescue_json_rewrite(const RescueJson *value, Rewrite rewrite, void *data)
{
	if (json_is_object(value))
		return rewrite_object(value, rewrite, data);
	if (json_is_array(value))
		return rewrite_array(value, rewrite, data);
	if (!json_is_string(value))
		return json_deep_copy(value);
	g_autofree char *text = rewrite(json_string_value(value), data);
	return new_string(text);
}

char *
rescue_json_dump(const RescueJson *value)
{
	char *text = json_dumps(value,
				JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS));
	g_assert(text != NULL); /* only values from here are dumped; g_free() is free() */
	return text;
}

/* jansson's own limit on depth is far beyond what any file of ours needs */
static bool
is_too_deep(const char *text, size_t size)
{
	size_t depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < size; i++) {
		char c = text[i];
		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '[' || c == '{') && ++depth > MAX_DEPTH)
			return true;
		else if (!in_string && (c == ']' || c == '}') && depth > 0)
			depth--;
	}
	return false;
}

RescueJson *
rescue_json_parse(const char *text, size_t size, GError **error)
{
	const char *limit = NULL;
	if (size > RESCUE_JSON_MAX_BYTES)
		limit = "too long";
	else if (is_too_deep(text, size))
		limit = "nested too deeply";
	if (limit != NULL) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT, "the JSON text is %s",
			    limit);
		return NULL;
	}
	json_error_t where;
	json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
	if (value == NULL) {
		g_autofree char *what = g_utf8_make_valid(where.text, -1);
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "not JSON in line %d, column %d: %s", where.line, where.column, what);
	}
	return value;
}
