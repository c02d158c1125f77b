/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/scenario/deed.h"

#include <gio/gio.h>
#include <string.h>

#include "tests/lab/scenario/parser.h"

enum {
	MOVE_MS = 500,     /* from one port to the other, when not said */
	RECOVERY_MS = 300, /* until it is back, when not said */
};

bool
lab_port_is_valid(const char *port)
{
	return g_regex_match_simple("^[1-9][0-9]?-[1-9][0-9]?(\\.[1-9][0-9]?){0,5}$", port, 0, 0);
}

void
lab_deed_free(LabDeed *deed)
{
	if (deed == NULL)
		return;
	g_free(deed->phone);
	g_free(deed->port);
	g_free(deed);
}

static bool fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool
fail(GError **error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *sentence = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, sentence);
	return false;
}

static const char *
take(char ***words)
{
	return **words != NULL ? *(*words)++ : NULL;
}

static bool
read_what(LabDeed *deed, char ***words, GError **error)
{
	const char *word = take(words);
	if (g_strcmp0(word, "unplug") == 0)
		return true;
	if (g_strcmp0(word, "recovery") == 0) {
		deed->recovery = true;
		deed->for_ms = RECOVERY_MS;
		return true;
	}
	if (g_strcmp0(word, "move") != 0)
		return fail(error, "‘%s’ is not unplug, move or recovery",
			    word != NULL ? word : "");
	const char *to = take(words);
	const char *port = take(words);
	if (g_strcmp0(to, "to") != 0 || port == NULL || !lab_port_is_valid(port))
		return fail(error, "‘move’ wants a port, such as ‘move to 1-1.4’");
	deed->port = g_strdup(port);
	deed->for_ms = MOVE_MS;
	return true;
}

static bool
read_how_long(LabDeed *deed, char ***words, GError **error)
{
	const char *word = take(words);
	if (word == NULL)
		return true;
	const char *number = take(words);
	const char *unit = take(words);
	if (strcmp(word, "for") != 0 || !lab_value_ms(number, unit, &deed->for_ms))
		return fail(error, "‘%s’ is not a time, such as ‘for 2 s’", word);
	return **words == NULL || fail(error, "‘%s’ makes no sense here", **words);
}

LabDeed *
lab_deed_parse(const char *phone, char **words, GError **error)
{
	g_autoptr(LabDeed) deed = g_new0(LabDeed, 1);
	deed->phone = g_strdup(phone);
	if (!read_what(deed, &words, error) || !read_how_long(deed, &words, error))
		return NULL;
	return g_steal_pointer(&deed);
}

void
lab_deed_do(const LabDeed *deed, LabPhone *phone)
{
	if (deed->port != NULL)
		lab_phone_move(phone, deed->port, deed->for_ms);
	else if (deed->recovery)
		lab_phone_go(phone, LAB_MODE_RECOVERY, deed->for_ms);
	else
		lab_phone_unplug(phone, deed->for_ms);
}
