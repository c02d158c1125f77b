/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stddef.h>

/* Lines of an engine that a record of the restore quotes: what was wiped, how it ended. Table in proof.def. */

typedef enum {
	RESCUE_SHOWS_PLAN,
	RESCUE_SHOWS_PREPARES,
	RESCUE_SHOWS_WIPE, /* what was on the device is gone */
	RESCUE_SHOWS_END,
} RescueShows;

typedef struct {
	const char *name; /* of the table; static */
	RescueShows shows;
	size_t number; /* of the line, from 1 */
	char *text;
} RescueProof;

/** Of RescueProof; caller owns. */
GPtrArray *rescue_proofs_new(void);
/** Adds the message if the table has it, unless the last one that it has was the same. */
void rescue_proofs_note(GPtrArray *proofs, const char *message, size_t number);
/** "plan", "prepares", "wipe", "end". */
const char *rescue_shows_name(RescueShows shows);
