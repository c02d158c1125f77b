/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* The lab's record, as far as a clock needs it. */

/** Process id of the first engine that the phones have seen, 0: none yet. */
pid_t bench_record_first_engine(const char *path);
/** When the first fault fired, monotonic; 0: none did. */
int64_t bench_record_fault_us(const char *path);
/** When an engine that had not been there before that fault came to a phone for the first time; 0: none did. */
int64_t bench_record_next_engine_us(const char *path);
