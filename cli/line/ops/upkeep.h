/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/line/ops/couriers.h"

/*
 * What is older than the retention goes, once a day: journals, transcripts and records of jobs that do not run, and
 * what was told to webhooks and hooks.
 */

/** What was told is kept so long at least, for a webhook that is down; longer retention keeps it longer. */
#define RESCUE_UPKEEP_OUTBOX_MS (INT64_C(7) * 24 * 3600 * 1000)

/** A child's work, at the lowest priority; `retention_ms` 0: jobs are kept for ever. HOST_IO. */
bool rescue_upkeep(const char *state_dir, int64_t retention_ms, unsigned *ret_forgotten,
		   GError **error);
/** Whether it is due: it was not done within a day before `wall_us`, or that is not known. */
bool rescue_upkeep_is_due(const char *state_dir, int64_t wall_us);

/** The daemon's side: looks each hour whether a day is over, and lets a child do it. */
typedef struct RescueUpkeep RescueUpkeep;

typedef struct {
	/** The whole command of that child: program, "line", "upkeep" and options. NULL-terminated. */
	const char *const *command;
	const char *state_dir;
	RescueCourierLog log;
	void *data;
} RescueUpkeepSpec;

/** Copies what it needs; the first look is at once. Caller owns. */
RescueUpkeep *rescue_upkeep_new(const RescueUpkeepSpec *spec);
/** A child that works is ended; the next one goes on. Accepts NULL. */
void rescue_upkeep_free(RescueUpkeep *upkeep);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueUpkeep, rescue_upkeep_free)
