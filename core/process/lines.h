/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Inner part of core/process: bytes in, lines out. '\n' and '\r' end a line ("\r\n" ends one, not
 * two, and a '\r' with nothing before it ends none: progress bars begin with it).
 */
typedef struct {
	GString *text;   /* of the line that has not ended */
	bool after_cr;   /* the last byte was '\r' */
	size_t max_line; /* bytes; what is beyond is dropped */
} RescueLines;

typedef void (*RescueLinesSink)(const char *line, void *data);

/** Never fails; to be cleared. */
void rescue_lines_init(RescueLines *lines, size_t max_line);
void rescue_lines_clear(RescueLines *lines);
/** Each line that ends in these bytes goes to `sink` as valid UTF-8. */
void rescue_lines_feed(RescueLines *lines, const char *bytes, size_t size, RescueLinesSink sink,
		       void *data);
/** The end of the stream ends the last line. */
void rescue_lines_finish(RescueLines *lines, RescueLinesSink sink, void *data);
