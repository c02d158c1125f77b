/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * INI as GKeyFile understands it, but strict: groups and keys keep their order, and what stands twice or is no text is
 * refused with its own words instead of being merged or guessed. Who reads a group refuses the keys it does not know.
 */

/** Files that people write are small; larger ones are refused. */
#define RESCUE_CONFIG_MAX_BYTES (64u * 1024)

typedef struct {
	char *key, *value;
} RescueIniEntry;

typedef struct {
	char *name;         /* what stands between the brackets */
	GPtrArray *entries; /* RescueIniEntry, in order */
} RescueIniGroup;

/** Groups (RescueIniGroup) in order; `what` is what such a file is called ("policy"). BAD_INPUT; caller owns. */
GPtrArray *rescue_ini_parse(const char *text, size_t size, const char *what, GError **error);
/** The same of a file; BAD_INPUT or HOST_IO with the path in the message; caller owns. */
GPtrArray *rescue_ini_load(const char *path, const char *what, GError **error);
/** The text behind "prefix " in "[prefix text]", NULL for other groups and when nothing stands there. Borrowed. */
const char *rescue_ini_group_name(const RescueIniGroup *group, const char *prefix);

/** What a value has to be; `min` and `max` are for counts, sizes and, in milliseconds, durations. */
typedef enum {
	RESCUE_FIELD_NAME,          /* char *: not empty, at most 64 bytes */
	RESCUE_FIELD_TEXT,          /* char *: not empty, at most 512 bytes */
	RESCUE_FIELD_COUNT,         /* unsigned */
	RESCUE_FIELD_DURATION,      /* int, milliseconds */
	RESCUE_FIELD_LONG_DURATION, /* int64_t, milliseconds */
	RESCUE_FIELD_YES_NO,        /* bool */
	RESCUE_FIELD_SIZE,          /* uint64_t, bytes */
	RESCUE_FIELD_PERCENT,       /* double, 0 to 1, written as 3% */
	RESCUE_FIELD_LIST,          /* char **: words between semicolons (models have commas) */
} RescueFieldKind;

/** One key and the member of a struct that it fills. */
typedef struct {
	const char *key;
	size_t offset;
	RescueFieldKind kind;
	uint64_t min, max;
} RescueField;

/** Reads one value, whatever its key; the member keeps its value on failure. */
bool rescue_field_read(const RescueField *field, void *object, const char *value, GError **error);
/** Reads all keys of a group; one that is in none of the `n` fields is refused. Errors begin with the key. */
bool rescue_fields_read(const RescueField *fields, size_t n, void *object,
			const RescueIniGroup *group, GError **error);
/** "what ‘which’" as BAD_INPUT; returns false. */
bool rescue_config_refuse(GError **error, const char *what, const char *which);
/** Puts the path in front of an error about the content of a file; returns false. */
bool rescue_config_blame(GError **error, const char *path);
