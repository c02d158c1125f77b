/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/wrap.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define HANGING     2u   /* what follows a break stands this much deeper than its line */
#define WIDEST_TEXT 120u /* lines of a very wide terminal cannot be read any more */
#define NARROWEST   20u  /* below that, wrapping makes it worse */

unsigned
rescue_terminal_columns(FILE *stream)
{
	struct winsize size = { 0 };

	if (isatty(fileno(stream)) != 1)
		return 0;
	return ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static unsigned
width_of(const char *text, size_t bytes)
{
	return (unsigned)g_utf8_strlen(text, (gssize)bytes);
}

static void
wrap_line(GString *out, const char *line, size_t length, unsigned columns)
{
	size_t indent = strspn(line, " ");
	size_t at = MIN(indent, length);
	unsigned column = (unsigned)at;

	g_string_append_len(out, line, (gssize)at);
	while (at < length) {
		size_t gap = strspn(line + at,
				    " "); /* kept as it is, so that columns stay columns */
		size_t word = MIN(gap + strcspn(line + at + gap, " \n"), length - at);
		unsigned width = width_of(line + at, word);
		if (column > indent && column + width > columns && word > gap) {
			g_string_append_printf(out, "\n%*s", (int)(indent + HANGING), "");
			column = (unsigned)indent + HANGING + width - (unsigned)gap;
			g_string_append_len(out, line + at + gap, (gssize)(word - gap));
		} else {
			column += width;
			g_string_append_len(out, line + at, (gssize)word);
		}
		at += word;
	}
}

char *
rescue_wrap(const char *text, unsigned columns)
{
	GString *out;
	unsigned limit = MIN(columns, WIDEST_TEXT);

	if (columns < NARROWEST || !g_utf8_validate(text, -1, NULL))
		return g_strdup(text);
	out = g_string_sized_new(strlen(text) + 16);
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");
		wrap_line(out, text, length, limit);
		text += length;
		if (*text == '\n') {
			g_string_append_c(out, '\n');
			text++;
		}
	}
	return g_string_free(out, FALSE);
}
