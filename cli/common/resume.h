/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/model/job.h"
#include "core/run/run.h"
#include "core/store/journal_summary.h"

/* Taking up a job whose supervisor died. */

typedef struct {
	RescueJournalSummary *summary;
	GArray *tried;       /* RescueTried */
	RescueResume resume; /* borrows from both */
} RescueTakeover;

void rescue_takeover_clear(RescueTakeover *takeover);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueTakeover, rescue_takeover_clear)
/**
 * True when the newest job of this device has journalled no end below `state_dir`, nobody supervises it any more, it
 * wished for the same firmware and behavior as `job`, and its time (the deadline of `job`) is not over: it can be taken
 * up. Its engine may live or have died with its supervisor. False: there is nothing to take up; whether the device is
 * free, the lock tells. A job that only looks takes up nothing.
 */
bool rescue_takeover_find(const char *state_dir, const RescueJob *job, int64_t now_us,
			  RescueTakeover *ret_takeover);
/**
 * Whether the events of an erase job leave the former data gone: it had come to the file systems. Pure; exported for
 * tests.
 */
bool rescue_takeover_erased(const GPtrArray *events);
/**
 * Fills in what the job of `summary` had done by then: RescueTried in `tried`, and in `resume` all that a summary
 * knows. Pure; exported for tests.
 */
void rescue_takeover_read(const RescueJournalSummary *summary, GArray *tried, RescueResume *resume);
