/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdbool.h>

/* What surrounds and interrupts the messages of an engine: time stamps, labels, progress. */

typedef enum {
	RESCUE_LABEL_NONE,
	RESCUE_LABEL_WORD,  /* "ERROR: " and the like, 1.0.0 */
	RESCUE_LABEL_STAMP, /* "10:04:00.123   <Error> ", the log file of 1.0.1 */
} RescueLabel;

/**
 * The line without what other programs and people put in front of it: quotation marks, dates, the host and program of
 * a system log. A pointer into `line`.
 */
const char *rescue_line_unwrap(const char *line);
/** The message without what stands in front of it; a pointer into `line`. */
const char *rescue_line_message(const char *line, RescueLabel *ret_label);

/** A sign of progress, in one of the three ways in which engines print it. */
typedef struct {
	int step;        /* of "progress: STEP FRACTION"; -1 with the other two */
	double fraction; /* 0 to 1 */
} RescueLineProgress;

/**
 * "progress: 2 0.470000", "[====      ]  47.0%", "Uploading:   0.5", "downloading: 47%". *ret_rest is what follows on
 * the same line: an error message may be glued to a bar. False: it is something else.
 */
bool rescue_line_progress(const char *message, RescueLineProgress *ret_progress,
			  const char **ret_rest);
