/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/model/job.h"
#include "core/run/run.h"
#include "core/store/journal_summary.h"

/* Taking up a job whose supervisor died while its engine lives on. */

typedef struct {
	RescueJournalSummary *summary;
	RescueResume resume; /* borrows from the summary */
} RescueTakeover;

void rescue_takeover_clear(RescueTakeover *takeover);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueTakeover, rescue_takeover_clear)
/**
 * True when an engine without a supervisor drives the device of `job`, its journal below `state_dir` tells of it, and
 * that job wished for the same firmware and behavior: it can be taken up. False: there is nothing to take up; whether
 * the device is free, the lock tells.
 */
bool rescue_takeover_find(const char *state_dir, const RescueJob *job,
			  RescueTakeover *ret_takeover);
/**
 * Whether the events of an erase job leave the former data gone: it had come to the file systems. Pure; exported for
 * tests.
 */
bool rescue_takeover_erased(const GPtrArray *events);
