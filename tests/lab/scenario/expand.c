/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/scenario/scenario.h"

#include <gio/gio.h>
#include <string.h>

/* the name that begins behind a dollar sign; *ret_next is the first character behind it and its braces */
static char *
variable_name(const char *text, const char **ret_next)
{
	bool braces = text[0] == '{';
	const char *begin = braces ? text + 1 : text;
	const char *end = begin;
	while (g_ascii_isalnum(*end) || *end == '_')
		end++;
	if (end == begin || (braces && *end != '}'))
		return NULL;
	*ret_next = braces ? end + 1 : end;
	return g_strndup(begin, (gsize)(end - begin));
}

char *
lab_expand(const char *text, char **environment, GError **error)
{
	g_return_val_if_fail(text != NULL, NULL);

	g_autoptr(GString) result = g_string_new(NULL);
	while (*text != '\0') {
		const char *dollar = strchrnul(text, '$');
		g_string_append_len(result, text, dollar - text);
		text = dollar;
		if (*text == '\0')
			break;
		g_autofree char *name = variable_name(text + 1, &text);
		const char *value = name != NULL ? g_environ_getenv(environment, name) : NULL;
		if (value == NULL) {
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
				    "the variable ‘$%s’ is not set", name != NULL ? name : "");
			return NULL;
		}
		g_string_append(result, value);
	}
	return g_string_free(g_steal_pointer(&result), FALSE);
}
