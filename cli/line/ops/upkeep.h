/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

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
