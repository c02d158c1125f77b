/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/base/parse.h"

#include <string.h>

#include "core/base/error.h"

#define TEN_YEARS_MS (INT64_C(10) * 366 * 24 * 3600 * 1000)
#define QUOTED       64 /* so much of what somebody wrote is repeated in an error */

typedef struct {
	const char *name;
	uint64_t factor;
} Unit;

static const Unit duration_units[] = {
	{ "", 1000 },         { "ms", 1 },          { "s", 1000 },         { "m", 60 * 1000 },
	{ "min", 60 * 1000 }, { "h", 3600 * 1000 }, { "d", 86400 * 1000 },
};

static const Unit size_units[] = {
	{ "", 1 },
	{ "B", 1 },
	{ "kB", 1000 },
	{ "KB", 1000 },
	{ "MB", 1000 * 1000 },
	{ "GB", 1000 * 1000 * 1000 },
	{ "TB", UINT64_C(1000) * 1000 * 1000 * 1000 },
	{ "KiB", 1024 },
	{ "MiB", 1024 * 1024 },
	{ "GiB", 1024 * 1024 * 1024 },
	{ "TiB", UINT64_C(1024) * 1024 * 1024 * 1024 },
};

static bool
refuse(GError **error, const char *text, const char *wanted)
{
	g_autofree char *valid = g_utf8_make_valid(text, (gssize)strnlen(text, QUOTED));
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT, "‘%s’ is not %s", valid, wanted);
	return false;
}

bool
rescue_parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value, GError **error)
{
	guint64 value;
	if (text != NULL && g_ascii_string_to_unsigned(text, 10, min, max, &value, NULL)) {
		*ret_value = value;
		return true;
	}
	g_autofree char *wanted = g_strdup_printf("a whole number from %" G_GUINT64_FORMAT
						  " to %" G_GUINT64_FORMAT,
						  min, max);
	return refuse(error, text == NULL ? "" : text, wanted);
}

/* digits, blanks, a unit of the table: the product, or false when one of them is not as it should be */
static bool
parse_with_unit(const char *text, const Unit *units, size_t n_units, uint64_t *ret_value)
{
	size_t n_digits = strspn(text, "0123456789");
	const char *name = text + n_digits;
	name += strspn(name, " ");
	g_autofree char *digits = g_strndup(text, n_digits);
	guint64 number;
	if (!g_ascii_string_to_unsigned(digits, 10, 0, G_MAXUINT64, &number, NULL))
		return false;
	for (size_t i = 0; i < n_units; i++) {
		if (strcmp(units[i].name, name) == 0)
			return !__builtin_mul_overflow(number, units[i].factor, ret_value);
	}
	return false;
}

bool
rescue_parse_duration(const char *text, int64_t *ret_ms, GError **error)
{
	uint64_t value;
	if (text == NULL ||
	    !parse_with_unit(text, duration_units, G_N_ELEMENTS(duration_units), &value) ||
	    value > TEN_YEARS_MS)
		return refuse(error, text == NULL ? "" : text, "a duration such as 90s, 15m or 2h");
	*ret_ms = (int64_t)value;
	return true;
}

bool
rescue_parse_size(const char *text, uint64_t *ret_bytes, GError **error)
{
	uint64_t value;
	if (text == NULL || !parse_with_unit(text, size_units, G_N_ELEMENTS(size_units), &value))
		return refuse(error, text == NULL ? "" : text, "a size such as 500 MB or 2 GiB");
	*ret_bytes = value;
	return true;
}

char *
rescue_format_size(uint64_t bytes)
{
	static const char *const names[] = { "bytes", "kB", "MB", "GB", "TB", "PB", "EB" };
	if (bytes < 1000)
		return g_strdup_printf("%u bytes", (unsigned)bytes);
	double value = (double)bytes;
	size_t unit = 0;
	while (value >= 999.5 && unit + 1 < G_N_ELEMENTS(names)) {
		value /= 1000;
		unit++;
	}
	return g_strdup_printf(value < 9.95 ? "%.1f %s" : "%.0f %s", value, names[unit]);
}

char *
rescue_format_duration(int64_t ms)
{
	if (ms < 0)
		ms = 0;
	if (ms < 1000)
		return g_strdup_printf("%d ms", (int)ms);
	int64_t seconds = ms / 1000 + (ms % 1000 >= 500);
	if (seconds < 60)
		return g_strdup_printf("%d s", (int)seconds);
	int64_t minutes = seconds / 60;
	if (minutes < 60)
		return g_strdup_printf("%d min %02d s", (int)minutes, (int)(seconds % 60));
	return g_strdup_printf("%" G_GINT64_FORMAT " h %02d min", minutes / 60,
			       (int)(minutes % 60));
}
