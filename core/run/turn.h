/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A job of a line waits for its turn, and when that is over. */

typedef struct {
	const char *turn; /* "engine", "transfer" */
	unsigned number;  /* of the attempt */
	int64_t begun_us;
	int64_t served_us; /* when somebody was last there who gives turns */
	int64_t alone_us;  /* so long it is waited for somebody */
	int64_t most_us;   /* of waiting, even for a line that lives */
	bool granted;      /* somebody gave it */
	bool pointless;    /* what it was waited for cannot happen any more */
	unsigned stops;    /* so often somebody has asked the job to stop */
} RescueTurnWait;

/** From one look at who gives turns to the next, in microseconds. */
#define RESCUE_TURN_LOOK_US 2000000

/** Pure. Why the wait is over, as the event `turn` says it; NULL: it is not. Static. */
const char *rescue_turn_why_over(const RescueTurnWait *wait, int64_t now_us);
/** Pure. When to look again, at the latest. */
int64_t rescue_turn_next_look(const RescueTurnWait *wait, int64_t now_us);
