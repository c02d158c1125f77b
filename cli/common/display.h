/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

#include "core/base/clock.h"
#include "core/base/json.h"

/*
 * A job's events as they come, for people: on a terminal one line that is redrawn at most ten times a second, with the
 * lasting lines above it; elsewhere one line for each step and for each ten percent.
 */
typedef struct RescueDisplay RescueDisplay;

typedef struct {
	FILE *stream;
	bool terminal;    /* redraw, instead of line after line */
	unsigned columns; /* 0: ask the terminal */
	bool quiet;       /* show nothing */
	bool verbose;     /* also every mode change and every step on a terminal */
	const RescueClock *clock;
} RescueDisplaySpec;

/** Copies `spec`; the stream and the clock are borrowed. */
RescueDisplay *rescue_display_new(const RescueDisplaySpec *spec);
/** Accepts NULL; leaves the cursor on a line of its own. */
void rescue_display_free(RescueDisplay *display);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueDisplay, rescue_display_free)
/** Shows what a stamped event changes. */
void rescue_display_feed(RescueDisplay *display, const RescueJson *event);
/** Clears the line that is redrawn, before somebody else writes. */
void rescue_display_clear(RescueDisplay *display);
