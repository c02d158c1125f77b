/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/scenario/scenario.h"

#include <gio/gio.h>
#include <string.h>

/* the name behind a dollar sign; *ret_next is the first character behind it and its braces; NULL: none is there */
static char *
variable_name(const char *text, const char **ret_next)
{
	bool braces = text[0] == '{';
	const char *begin = braces ? text + 1 : text;
	const char *end = begin;
	while (g_ascii_isalpha(*end) || *end == '_' || (end > begin && g_ascii_isdigit(*end)))
		end++;
	if (end == begin || (braces && *end != '}'))
		return NULL;
	*ret_next = braces ? end + 1 : end;
	return g_strndup(begin, (gsize)(end - begin));
}

static bool
append_value(GString *result, const char **text, char **environment, GError **error)
{
	g_autofree char *name = variable_name(*text + 1, text);
	if (name == NULL) {
		g_string_append_c(result, *(*text)++);
		return true;
	}
	const char *value = g_environ_getenv(environment, name);
	if (value == NULL) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
			    "the variable ‘$%s’ is not set", name);
		return false;
	}
	g_string_append(result, value);
	return true;
}

char *
lab_expand(const char *text, char **environment, GError **error)
{
	g_return_val_if_fail(text != NULL, NULL);

	g_autoptr(GString) result = g_string_new(NULL);
	while (*text != '\0') {
		if (g_str_has_prefix(text, "\\$")) {
			g_string_append_c(result, '$');
			text += strlen("\\$");
		} else if (*text != '$') {
			g_string_append_c(result, *text++);
		} else if (!append_value(result, &text, environment, error)) {
			return NULL;
		}
	}
	return g_string_free(g_steal_pointer(&result), FALSE);
}
