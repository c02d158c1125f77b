/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/scenario/parser.h"

#include <string.h>

typedef struct {
	const char *name;
	uint64_t factor;
} Unit;

static const Unit byte_units[] = {
	{ "B", 1 },  { "kB", 1000 }, { "MB", 1000 * 1000 }, { "GB", 1000 * 1000 * 1000 },
	{ NULL, 0 },
};
static const Unit time_units[] = { { "ms", 1 }, { "s", 1000 }, { "min", 60 * 1000 }, { NULL, 0 } };

/* far beyond any size or wait that a scenario needs, and no product of the two overflows */
enum { MAX_COUNT = 1000 * 1000 };

static bool
with_unit(const char *number, const char *unit, const Unit *units, uint64_t *ret_value)
{
	uint64_t count = 0;
	if (!lab_value_number(number, MAX_COUNT, &count))
		return false;
	for (; units->name != NULL; units++) {
		if (g_strcmp0(units->name, unit) == 0) {
			*ret_value = count * units->factor;
			return true;
		}
	}
	return false;
}

bool
lab_value_number(const char *text, uint64_t max, uint64_t *ret_value)
{
	guint64 value = 0;
	if (text == NULL)
		return false;
	bool hex = g_str_has_prefix(text, "0x") || g_str_has_prefix(text, "0X");
	if (!g_ascii_string_to_unsigned(hex ? text + strlen("0x") : text, hex ? 16 : 10, 0, max,
					&value, NULL))
		return false;
	*ret_value = value;
	return true;
}

bool
lab_value_bytes(const char *number, const char *unit, uint64_t *ret_bytes)
{
	return with_unit(number, unit, byte_units, ret_bytes);
}

bool
lab_value_ms(const char *number, const char *unit, unsigned *ret_ms)
{
	uint64_t ms = 0;
	if (!with_unit(number, unit, time_units, &ms) || ms > G_MAXINT)
		return false;
	*ret_ms = (unsigned)ms;
	return true;
}

bool
lab_value_mode(const char *text, LabMode *ret_mode)
{
	static const struct {
		const char *name;
		LabMode mode;
	} modes[] = {
		{ "normal", LAB_MODE_NORMAL }, { "recovery", LAB_MODE_RECOVERY },
		{ "dfu", LAB_MODE_DFU },       { "restore", LAB_MODE_RESTORE },
		{ "off", LAB_MODE_OFF },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		if (g_strcmp0(modes[i].name, text) == 0) {
			*ret_mode = modes[i].mode;
			return true;
		}
	}
	return false;
}

bool
lab_value_is_name(const char *text)
{
	if (text == NULL || !g_ascii_isalpha(text[0]))
		return false;
	for (const char *p = text; *p != '\0'; p++) {
		if (!g_ascii_isalnum(*p) && *p != '-')
			return false;
	}
	return true;
}
