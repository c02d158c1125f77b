/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/json.h"
#include "core/model/phase.h"

/* How far a job is, out of its events, and how people are told. Pure: time is a parameter, nothing is written. */

#define RESCUE_PROGRESS_MARKS 2

/** A point in time and what was done by then (bytes when they are known, else a fraction). */
typedef struct {
	int64_t at_us;
	double done;
} RescueProgressMark;

/** A value; zero-initialise. */
typedef struct {
	bool active; /* a step is open */
	RescuePhase phase;
	double fraction;       /* of the step, negative: not known */
	uint64_t bytes, total; /* 0: not known */
	int64_t now_us;        /* of the last event that counted */
	/* older first; the rate is measured from the older */
	RescueProgressMark marks[RESCUE_PROGRESS_MARKS];
} RescueProgress;

/** Takes a stamped event in; true when it changed what is shown. `now_us` monotonic. */
bool rescue_progress_feed(RescueProgress *progress, const RescueJson *event, int64_t now_us);
/** Per second, in bytes when `total` is known, else in fractions; 0: not known yet. */
double rescue_progress_rate(const RescueProgress *progress);
/** Milliseconds to the end of the step, -1: not known. */
int64_t rescue_progress_left_ms(const RescueProgress *progress);
/** "sending the system image  [####....]  47 %  31 MB/s  2 min 10 s left", at most `columns` wide; caller frees. */
char *rescue_progress_bar(const RescueProgress *progress, unsigned columns);
/** The same for plain output: "sending the system image: 50 %, 31 MB/s, 2 min left"; caller frees. */
char *rescue_progress_plain(const RescueProgress *progress);
/** Full tens of percent, 0 to 10; -1 when the fraction is not known. */
int rescue_progress_tenths(const RescueProgress *progress);

/**
 * What an event says to people, one line without newline: device, attempt, failure, remedy, operator, done. NULL for
 * what is only progress. Caller frees.
 */
char *rescue_event_sentence(const RescueJson *event);
/** "usb-link-dropped (category usb, itunes 4013)" out of a failure event; caller frees. */
char *rescue_failure_sentence(const RescueJson *failure);
