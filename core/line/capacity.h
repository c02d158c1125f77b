/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

/*
 * What a bus carries, learned from what jobs tell: the rate of all transfers together for each number of them. Pure.
 */

#define RESCUE_CAPACITY_MAX 8u

/** A plain value; begin with rescue_capacity_init(). */
typedef struct {
	double nominal;                       /* bytes a second that such a bus carries at best */
	unsigned first;                       /* transfers at once while nothing is known */
	double rate[RESCUE_CAPACITY_MAX + 1]; /* of n transfers together; 0: not measured */
} RescueCapacity;

/** Nothing is measured yet. */
void rescue_capacity_init(RescueCapacity *capacity, double nominal, unsigned first);
/** `transfers` carried so many bytes a second together for a while. Newer measurements count more. */
void rescue_capacity_learn(RescueCapacity *capacity, unsigned transfers, double bytes_per_s);
/**
 * How many transfers at once, 1 to `max`: the number with the highest measured rate, a smaller one when it is nearly as
 * good, and one more than that when that may be better and was never measured.
 */
unsigned rescue_capacity_limit(const RescueCapacity *capacity, unsigned max);
/** Bytes a second of `transfers` together: measured, or the nearest guess. Never 0. */
double rescue_capacity_rate(const RescueCapacity *capacity, unsigned transfers);
