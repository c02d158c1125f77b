/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "cli/line/client/shift.h"

/* Reads the restores of a shift from a state folder: for the command line, and for the daemon that answers others. */

/** Those that ended from `from_us` on and before `to_us`. Never NULL; caller owns. */
RescueShift *rescue_report_read(const char *state_dir, int64_t from_us, int64_t to_us);
/** The same as a whole text: CSV or one JSON document. Caller frees. */
char *rescue_report_text(const char *state_dir, int64_t from_us, int64_t to_us, bool csv);
/** A restore record, JOB.json, for each of them in `folder`, which is made. HOST_IO. */
bool rescue_report_write_records(const char *state_dir, int64_t from_us, int64_t to_us,
				 const char *folder, GError **error);
/** "2026-11-22T06:00:00Z", or a day, which begins at midnight UTC. BAD_INPUT. */
bool rescue_report_parse_time(const char *text, int64_t *ret_us, GError **error);
