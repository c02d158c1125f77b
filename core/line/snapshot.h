/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "core/base/json.h"
#include "core/line/schedule.h"
#include "core/line/station.h"
#include "core/line/tally.h"

/*
 * The whole line at a moment as JSON: what the dashboard, `line status` and scripts see. Pure. Members and their
 * meaning are told in docs/line-api.md, and nowhere else.
 */

/** What the picture is made of. All borrowed; NULL where there is none. */
typedef struct {
	const RescueStation *station;
	const char *name; /* of the station, for people */
	int64_t now_us;   /* on the clock that the station's facts were told with */
	int64_t epoch_us; /* wall time of that clock's 0; steady, or all would seem to change */
	const GPtrArray *turns;   /* RescueTurn: why who waits */
	const RescueTally *tally; /* what was done */
	const GPtrArray *reports; /* sentences (char *) worth showing, newest last */
	/*
	 * The last picture: only slots, prompts and states are wanted, and a slot of a phone that is not
	 * among `changed` may be the one of then. NULL: all of it.
	 */
	const RescueJson *before;
	GHashTable *changed; /* ECIDs as text; NULL: anything may have changed */
} RescueSnapshotFacts;

/** The station; caller owns. */
RescueJson *rescue_snapshot_new(const RescueSnapshotFacts *facts);
/** The slot of one port, as it stands in "slots"; caller owns. */
RescueJson *rescue_snapshot_slot(const RescueSnapshotFacts *facts, size_t port);
/**
 * What to tell who knows `before`: an array of events, {"event": "slot", "slot": {…}} for each slot that differs and
 * {"event": NAME, NAME: …} for each other member that does; only {"event": "resync"} when slots are called otherwise
 * or there are others. Time alone is no difference. Caller owns.
 */
RescueJson *rescue_snapshot_diff(const RescueJson *before, const RescueJson *after);
