/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "core/base/json.h"
#include "core/store/journal_summary.h"

/* The restores of a shift: a row for each, and what they come to. Pure. Columns: shift-column.def. */
typedef struct RescueShift RescueShift;

/** Restores that ended from `from_us` on and before `to_us`, wall time. Caller owns. */
RescueShift *rescue_shift_new(int64_t from_us, int64_t to_us);
/** Accepts NULL. */
void rescue_shift_free(RescueShift *shift);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueShift, rescue_shift_free)
/** Whether this job is one of them: it ended by itself in that time, and was no dry run. */
bool rescue_shift_wants(const RescueShift *shift, const RescueJournalSummary *job);
/** Adds it; `notice`: what the line told about its end (slot, scan, rule …), NULL: not known. */
void rescue_shift_add(RescueShift *shift, const RescueJournalSummary *job,
		      const RescueJson *notice);
/**
 * A row of titles and one for each restore, in the order in which they were added, as RFC 4180 has it. What begins like
 * a formula of a spreadsheet gets an apostrophe in front. Caller frees.
 */
char *rescue_shift_csv(const RescueShift *shift);
/** {"v", "from", "to", "totals", "ports", "jobs": a row each as an object}; caller owns. */
RescueJson *rescue_shift_to_json(const RescueShift *shift);
/** Totals and ports for people; caller frees. */
char *rescue_shift_text(const RescueShift *shift);
