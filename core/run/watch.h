/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/failure/evidence.h"
#include "core/model/policy.h"

/* Whether a running engine is left alone or ended. Pure: facts and times in, decision out. */

typedef struct {
	RescuePhase phase;     /* the engine's step by its own words */
	RescueMode mode;       /* of the device now */
	bool flashed;          /* it is being flashed, or was, by this engine */
	bool left_since_phase; /* it left the bus since the step began */
	bool says_restored;    /* the engine has finished; only its exit is missing */
	bool says_failed;      /* the engine has said that it cannot succeed any more */
	int64_t progress_us;   /* when the last sign of progress came */
	int64_t absent_us;     /* since when the device is off the bus; 0: it is there */
	int64_t said_us;       /* when it said that it failed or finished; 0: it did not */
	unsigned stops;        /* requests to stop */
	bool blind;            /* the disk refuses to take the engine's words: silence says less */
} RescueWatchFacts;

typedef struct {
	bool end; /* end the engine now */
	RescueEngineEnd why;
	int64_t deadline_us; /* else: look again then, at the latest */
} RescueWatchDecision;

/** An engine that said it finished gets this long to end by itself. */
#define RESCUE_WATCH_LINGER_MS 3000
/** One that said it failed is only good for a few more words about the reason. */
#define RESCUE_WATCH_LINGER_FAILED_MS 1000
/** So many times its patience has an engine whose words are lost, once it restores. */
#define RESCUE_WATCH_BLIND_FACTOR 4
/** A device that left the bus where it should not gets this long to come back before the engine is ended. */
#define RESCUE_WATCH_ABSENT_MS 15000

/** Pure; `now_us` is of the same clock as the times in `facts`. */
RescueWatchDecision rescue_watch_decide(const RescueWatchFacts *facts, const RescuePolicy *policy,
					int64_t now_us);
