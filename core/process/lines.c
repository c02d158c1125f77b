/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/process/lines.h"

void
rescue_lines_init(RescueLines *lines, size_t max_line)
{
	*lines = (RescueLines){ .text = g_string_new(NULL), .max_line = max_line };
}

void
rescue_lines_clear(RescueLines *lines)
{
	if (lines->text != NULL)
		g_string_free(lines->text, TRUE);
	lines->text = NULL;
}

static void
deliver(RescueLines *lines, RescueLinesSink sink, void *data)
{
	/* with a length given, a zero byte counts as invalid and is replaced too */
	g_autofree char *line = g_utf8_make_valid(lines->text->str, (gssize)lines->text->len);

	g_string_truncate(lines->text, 0);
	sink(line, data);
}

static void
append(RescueLines *lines, const char *bytes, size_t size)
{
	size_t room = lines->max_line - MIN(lines->text->len, lines->max_line);

	g_string_append_len(lines->text, bytes, (gssize)MIN(size, room));
}

static void
end_line(RescueLines *lines, char terminator, RescueLinesSink sink, void *data)
{
	bool nothing = lines->text->len == 0;
	bool skip = nothing && (terminator == '\r' || lines->after_cr);

	lines->after_cr = terminator == '\r';
	if (!skip)
		deliver(lines, sink, data);
}

void
rescue_lines_feed(RescueLines *lines, const char *bytes, size_t size, RescueLinesSink sink,
		  void *data)
{
	size_t begin = 0;

	for (size_t i = 0; i < size; i++) {
		if (bytes[i] != '\n' && bytes[i] != '\r')
			continue;
		if (i > begin) {
			append(lines, bytes + begin, i - begin);
			lines->after_cr = false;
		}
		begin = i + 1;
		end_line(lines, bytes[i], sink, data);
	}
	if (size > begin) {
		append(lines, bytes + begin, size - begin);
		lines->after_cr = false;
	}
}

void
rescue_lines_finish(RescueLines *lines, RescueLinesSink sink, void *data)
{
	if (lines->text->len > 0)
		deliver(lines, sink, data);
	lines->after_cr = false;
}
