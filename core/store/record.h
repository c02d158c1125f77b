/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/base/json.h"

/** The members are those of docs/record.md, and what they mean does not change under this number. */
#define RESCUE_RECORD_VERSION 1

/**
 * The restore record of a job: what was done to which device, how it ended, and what proves it. A pure function of the
 * believable events of its journal (RescueJson, as rescue_journal_read() gives them), of older versions too: what they
 * do not say is "unknown" or left out. `digests` is an array of {"name", "size", "sha256"} for the files that the
 * record rests on, NULL: none were made. Caller owns.
 */
RescueJson *rescue_record_build(const GPtrArray *events, bool torn, const RescueJson *digests);
