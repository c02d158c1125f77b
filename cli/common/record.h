/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/base/json.h"

/* The restore record of a job, out of its journal; its members are in docs/record.md. */

/** Out of STATE/jobs/JOB, with the digests of the files there. BAD_INPUT when there is no such job. Caller owns. */
RescueJson *rescue_record_read(const char *state_dir, const char *job, GError **error);
/** The same of events that were read already (rescue_journal_read()); `job_dir` is the job's folder. Caller owns. */
RescueJson *rescue_record_of(const char *job_dir, const GPtrArray *events, bool torn);
/** For people, 80 columns wide but for paths that are wider; caller frees. Pure. */
char *rescue_record_format(const RescueJson *record);
/** The whole record as one line, or nothing: mode 0600. HOST_IO. */
bool rescue_record_write(const RescueJson *record, const char *path, GError **error);
