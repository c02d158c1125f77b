/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/base/json.h"
#include "core/failure/failure.h"

/* One failure, for people and scripts: what `explain` says and what docs/failures is made of. */

/**
 * By name ("signing-refused"), by number ("3194", "0xE8000025"), or by number of a domain ("tss 94", "tss:94").
 * False with RESCUE_ERROR_BAD_INPUT when the catalogue does not know it.
 */
bool rescue_explain_find(const char *text, RescueFailure *ret_failure, GError **error);
/** Name, codes, and the five headings: seen as, means, we do, you do, evidence. Several lines; caller frees. */
char *rescue_explain_text(RescueFailure failure);
/** The same as an object; caller owns. */
RescueJson *rescue_explain_json(RescueFailure failure);
