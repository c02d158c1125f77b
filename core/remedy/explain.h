/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/base/json.h"
#include "core/failure/code.h"
#include "core/failure/failure.h"

/* One failure, for people and scripts: what `explain` says and what docs/failures.md is made of. */

/** Name, codes, and the five headings: seen as, means, we do, you do, evidence. Several lines; caller frees. */
char *rescue_explain_text(RescueFailure failure);
/** The same for a number that was read as `reading`, with what this number says in particular. Caller frees. */
char *rescue_explain_reading_text(const RescueReading *reading);
/** The same as an object; caller owns. */
RescueJson *rescue_explain_json(RescueFailure failure);

/**
 * The whole answer to a name, a number, a category or a phase: all readings of a number, the likeliest in full; the
 * failures of a category or phase, one a line. NULL with RESCUE_ERROR_BAD_INPUT as above. Caller frees.
 */
char *rescue_explain_answer(const char *asked, GError **error);
/** The same as an object; caller owns. */
RescueJson *rescue_explain_answer_json(const char *asked, GError **error);
