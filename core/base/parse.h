/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Checked conversions of what people and files say. On failure the output is untouched, the error names the text. */

/** Decimal digits only, within [min, max]. */
bool rescue_parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value,
		       GError **error);
/** "90", "90s", "15m", "2h", "500ms": seconds without a unit; at most ten years. Milliseconds. */
bool rescue_parse_duration(const char *text, int64_t *ret_ms, GError **error);
/** "1048576", "4 MB", "2 GiB" (MB = 10^6, MiB = 2^20). Bytes. */
bool rescue_parse_size(const char *text, uint64_t *ret_bytes, GError **error);
/** "4.2 GB", "812 kB": for people; caller frees. */
char *rescue_format_size(uint64_t bytes);
/** "2 h 05 min", "4 min 10 s", "7 s": for people; caller frees. */
char *rescue_format_duration(int64_t ms);
