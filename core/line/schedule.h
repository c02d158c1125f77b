/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "core/line/station.h"

/*
 * Who may go on now. Three turns are given: the job's process (memory, scratch space, downloads, endpoints, power), its
 * engine (staggered; an old engine's boot loader window alone; early enough to arrive when the bus is free) and its
 * transfer (so many on a bus as measuring has found best). Pure: the station and the time go in; whoever carries a turn
 * out tells the station. Why so: docs/decisions/022-turns-on-the-bus.md.
 */

typedef enum {
	RESCUE_TURN_WAIT,     /* not now; `why` says what it waits for */
	RESCUE_TURN_JOB,      /* start its process: rescue_station_started() */
	RESCUE_TURN_ENGINE,   /* rescue_station_granted() */
	RESCUE_TURN_TRANSFER, /* rescue_station_granted() */
} RescueTurnKind;

typedef struct {
	RescueTurnKind kind;
	RescueEcid ecid;
	char *why; /* one sentence; owned */
} RescueTurn;

/**
 * A turn (RescueTurn) for each phone whose job is queued or asks for one, who waits longest first. `ret_look_us`: look
 * again then, even if nothing happens; INT64_MAX: no need. Caller owns.
 */
GPtrArray *rescue_schedule(const RescueStation *station, int64_t now_us, int64_t *ret_look_us);
