/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdint.h>

/*
 * Time is a parameter. Monotonic time measures waits and is never stored; wall time is stored and never
 * subtracted. Tests bring a clock of their own.
 */
typedef struct {
	int64_t (*monotonic_us)(void *self);
	int64_t (*wall_us)(void *self);
	void *self;
} RescueClock;

/** The clock of this computer; static. */
const RescueClock *rescue_clock_system(void);
int64_t rescue_clock_monotonic_us(const RescueClock *clock);
int64_t rescue_clock_wall_us(const RescueClock *clock);
/** "2026-11-22T10:04:00.123Z"; caller frees. */
char *rescue_clock_format(int64_t wall_us);
