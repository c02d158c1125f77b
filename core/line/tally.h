/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/json.h"
#include "core/failure/failure.h"

/*
 * What a line has done, counted from the event streams of its jobs: ends, failures, attempts, remedies, and how long
 * each phase took. Times are those of the events: a daemon that reads its journals again gets the same figures. Pure.
 */

/** Ends are counted in bins of ten minutes, for a day. */
#define RESCUE_TALLY_BIN_S 600
#define RESCUE_TALLY_BINS  144u
/** Upper limits of the phase histogram, in seconds; the last bucket has none. */
#define RESCUE_TALLY_BUCKETS 10u

/** How a job ended. */
typedef enum {
	RESCUE_END_RESTORED,
	RESCUE_END_UNCONFIRMED,
	RESCUE_END_NEEDS_OPERATOR,
	RESCUE_END_GAVE_UP,
	RESCUE_END_CANCELLED,
	RESCUE_END_LAST
} RescueEnd;

/** Ends within ten minutes. */
typedef struct {
	int64_t number; /* wall time in seconds / RESCUE_TALLY_BIN_S; 0: never used */
	unsigned ends[RESCUE_END_LAST];
	unsigned categories[RESCUE_CATEGORY_LAST]; /* of the failures that jobs ended with */
} RescueTallyBin;

/** How long a phase took. */
typedef struct {
	uint64_t buckets[RESCUE_TALLY_BUCKETS + 1]; /* each counts its own, not those below it */
	double seconds;
	uint64_t count;
} RescueTallyPhase;

/** The figures; read freely, changed only by rescue_tally_add(). */
typedef struct {
	RescueTallyBin bins[RESCUE_TALLY_BINS];
	uint64_t ends[RESCUE_END_LAST];
	uint64_t failures[RESCUE_CATEGORY_LAST]; /* told, also those that a later attempt healed */
	uint64_t jobs, attempts;
	RescueTallyPhase phases[RESCUE_PHASE_LAST];
	GHashTable *remedies; /* "NAME OUTCOME" (char *) to how often (uint64_t *) */
	GHashTable *open;     /* job to what it began last; private */
} RescueTally;

/** "restored", "gave-up", as in the contract. */
const char *rescue_end_name(RescueEnd end);
/** Upper limit of a bucket in seconds; 0 for the one without. */
double rescue_tally_limit(unsigned bucket);

/** Nothing was counted yet; caller owns. */
RescueTally *rescue_tally_new(void);
/** Accepts NULL. */
void rescue_tally_free(RescueTally *tally);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueTally, rescue_tally_free)
/** One line of a job's event stream; what is no such line counts for nothing. */
void rescue_tally_add(RescueTally *tally, const RescueJson *event);
/**
 * For people, the day up to `wall_us`: `ends` by name, `yield` (restored of all that ended and were not cancelled),
 * `last_hour` (restored), `hours` (24, oldest first: `hour`, `restored`, `failed`) and `categories` (most first).
 */
RescueJson *rescue_tally_to_json(const RescueTally *tally, int64_t wall_us);
