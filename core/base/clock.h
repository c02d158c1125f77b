/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/json.h"

/*
 * Time is a parameter. Monotonic time measures waits and is never stored; wall time is stored for people. What has to
 * be measured between two processes is a moment. Tests bring a clock of their own.
 */

#define RESCUE_BOOT_ID 40 /* a UUID in text and its NUL fit */

/** A point in time that another process can measure from, whatever was done to the wall clock in between. */
typedef struct {
	char boot_id[RESCUE_BOOT_ID]; /* of this start of the computer; empty: not known */
	int64_t boot_ms;              /* since then, suspended time included */
	int64_t wall_ms;              /* since 1970, only used when the computer was started anew */
} RescueMoment;

typedef struct {
	int64_t (*monotonic_us)(void *self);
	int64_t (*wall_us)(void *self);
	void *self;
	void (*moment)(void *self, RescueMoment *ret_moment);
} RescueClock;

/** The clock of this computer; static. */
const RescueClock *rescue_clock_system(void);
int64_t rescue_clock_monotonic_us(const RescueClock *clock);
int64_t rescue_clock_wall_us(const RescueClock *clock);
void rescue_clock_moment(const RescueClock *clock, RescueMoment *ret_moment);
/** Milliseconds from one to the other, never negative; by wall time only across a restart of the computer. */
int64_t rescue_moment_since_ms(const RescueMoment *then, const RescueMoment *now);
/**
 * Which began later, seen from `now`: >0: `a`. All of this start of the computer came after all of earlier ones, and
 * only these are told apart by wall time.
 */
int rescue_moment_compare(const RescueMoment *a, const RescueMoment *b, const RescueMoment *now);
/** As members "boot_id", "boot_ms" and "wall_ms" of an object. */
void rescue_moment_write(const RescueMoment *moment, RescueJson *object);
/** What is missing stays empty and 0. */
void rescue_moment_read(const RescueJson *object, RescueMoment *ret_moment);
/** "2026-11-22T10:04:00.123Z"; caller frees. */
char *rescue_clock_format(int64_t wall_us);
