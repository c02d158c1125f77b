/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* JSON values; jansson is behind it and nowhere else. Parsing refuses duplicate keys and depth beyond 64. */
typedef struct json_t RescueJson;

/** Text beyond this is refused by rescue_json_parse(). */
#define RESCUE_JSON_MAX_BYTES (16u * 1024 * 1024)

RescueJson *rescue_json_object_new(void);
RescueJson *rescue_json_array_new(void);
/** One more reference; values are shared, not copied. */
RescueJson *rescue_json_ref(const RescueJson *value);
/** A deep copy. */
RescueJson *rescue_json_copy(const RescueJson *value);
/** Drops one reference; accepts NULL. */
void rescue_json_free(RescueJson *value);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueJson, rescue_json_free)

/** A NULL value leaves the key out; bytes that are not UTF-8 are replaced. */
void rescue_json_set_string(RescueJson *object, const char *key, const char *value);
void rescue_json_set_int(RescueJson *object, const char *key, int64_t value);
void rescue_json_set_real(RescueJson *object, const char *key, double value);
void rescue_json_set_bool(RescueJson *object, const char *key, bool value);
/** Takes `value` over; NULL leaves the key out. */
void rescue_json_take(RescueJson *object, const char *key, RescueJson *value);
/** An array of texts; `texts` is NULL-terminated, and NULL is an empty one. */
void rescue_json_set_strings(RescueJson *object, const char *key, char *const *texts);
void rescue_json_append_string(RescueJson *array, const char *value);
void rescue_json_append_take(RescueJson *array, RescueJson *value);
/** All members of `from` are set in `object`. */
void rescue_json_merge(RescueJson *object, const RescueJson *from);

/** Borrowed; NULL when absent or of another type. */
const char *rescue_json_get_string(const RescueJson *object, const char *key);
/** Borrowed; NULL when absent. */
RescueJson *rescue_json_get(const RescueJson *object, const char *key);
/** False, and the output untouched, when absent or of another type. */
bool rescue_json_get_int(const RescueJson *object, const char *key, int64_t *ret_value);
/** `fallback` when absent or of another type; `object` may be NULL. */
int64_t rescue_json_get_int_or(const RescueJson *object, const char *key, int64_t fallback);
/** Of what is counted: 0 when absent, of another type or negative; `object` may be NULL. */
uint64_t rescue_json_get_count(const RescueJson *object, const char *key);
/** Accepts an integer too. */
bool rescue_json_get_real(const RescueJson *object, const char *key, double *ret_value);
bool rescue_json_get_bool(const RescueJson *object, const char *key, bool fallback);
/** Number of elements of an array, else 0. */
size_t rescue_json_length(const RescueJson *array);
/** Borrowed; NULL beyond the end. */
RescueJson *rescue_json_at(const RescueJson *array, size_t index);
/** Equal in all, however deep; two NULL are equal. */
bool rescue_json_equal(const RescueJson *a, const RescueJson *b);
/** The text of a string element, NULL for other types. */
const char *rescue_json_text(const RescueJson *value);
/** The texts of an array, NULL-terminated and never NULL; elements of other types are empty. Caller frees. */
char **rescue_json_dup_strings(const RescueJson *array);

/**
 * A copy in which every string value, however deep, is what `rewrite` made of it (which the caller of `rewrite` then
 * frees); keys and all else stay. Caller owns.
 */
RescueJson *rescue_json_rewrite(const RescueJson *value,
				char *(*rewrite)(const char *text, void *data), void *data);

/** One line, keys in the order they were set, no newline; caller frees. */
char *rescue_json_dump(const RescueJson *value);
/** Caller frees; RESCUE_ERROR_BAD_INPUT with line and column when it is not JSON. */
RescueJson *rescue_json_parse(const char *text, size_t size, GError **error);
