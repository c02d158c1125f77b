/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Patterns of the .def tables of this folder: literal text with '*' for any run of characters, '#' for a whole number
 * with an optional minus sign, '%' for a hexadecimal one of 32 bits with sign. Matches anywhere in the text, with a
 * leading '^' only at its beginning. Case does not count: people retype what they saw.
 */

/** True when it matches; *ret_number is the number that the last '#' or '%' stood for, untouched without one. */
bool rescue_pattern_match(const char *pattern, const char *text, int64_t *ret_number);
/** The next literal piece at or behind `from`: its start (into the pattern) and length; 0 behind the last. */
size_t rescue_pattern_literal(const char *pattern, size_t from, const char **ret_start);
