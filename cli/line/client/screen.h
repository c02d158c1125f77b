/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/json.h"

/* The station (core/line/snapshot.h) for a terminal. Pure. */

typedef struct {
	unsigned columns, rows; /* of the terminal */
	bool color;             /* besides signs and words, which say the same */
	int64_t wall_us;        /* now */
} RescueScreen;

/**
 * A whole screen, at most so many lines of so many columns: what a person must do now comes first, then the slots, each
 * with a line of its own where that fits and in several columns where it does not, then what is out of use. Lines end
 * with a newline but for the last one; caller frees.
 */
char *rescue_screen_draw(const RescueJson *station, const RescueScreen *screen);
/** The same for a file or a pipe: everything, however long; caller frees. */
char *rescue_screen_plain(const RescueJson *station, int64_t wall_us);
/** "A3  running: sending the system image, 47 %": what changed, for a log; caller frees. */
char *rescue_screen_slot(const RescueJson *slot);
/**
 * Cut to at most so many columns, with an ellipsis where something is missing; control characters become '?'. Caller
 * frees.
 */
char *rescue_screen_fit(const char *text, size_t columns);
