/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Patterns of marker.def and signature.def: literal text with '*' for any run of characters and '#' for a whole number
 * with an optional minus sign. Matches anywhere in the text, with a leading '^' only at its beginning. Case counts.
 */

/** True when it matches; *ret_number is the number that the last '#' stood for, untouched without one. */
bool rescue_pattern_match(const char *pattern, const char *text, int64_t *ret_number);
