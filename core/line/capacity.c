/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/line/capacity.h"

#include <glib.h>
#include <stdbool.h>

#define NEWER         0.3 /* weight of a new measurement */
#define NEARLY        0.95 /* fewer transfers are better when they reach this share of the best rate */
#define FULL          0.90 /* of the nominal rate: more transfers cannot add much */
#define STILL_GROWING 1.10 /* one transfer more brought so much: try another */

void
rescue_capacity_init(RescueCapacity *capacity, double nominal, unsigned first)
{
	*capacity = (RescueCapacity){ .nominal = nominal, .first = MAX(first, 1) };
}

void
rescue_capacity_learn(RescueCapacity *capacity, unsigned transfers, double bytes_per_s)
{
	double *rate;

	if (transfers == 0 || transfers > RESCUE_CAPACITY_MAX || !(bytes_per_s > 0))
		return;
	rate = &capacity->rate[transfers];
	*rate = *rate > 0 ? *rate + NEWER * (bytes_per_s - *rate) : bytes_per_s;
}

/* The smallest number that is nearly as good as the best; 0 when nothing was measured. */
static unsigned
find_best(const RescueCapacity *capacity, unsigned max)
{
	double best = 0;

	for (unsigned n = 1; n <= max; n++)
		best = MAX(best, capacity->rate[n]);
	for (unsigned n = 1; best > 0 && n <= max; n++) {
		if (capacity->rate[n] >= best * NEARLY)
			return n;
	}
	return 0;
}

static bool
may_grow(const RescueCapacity *capacity, unsigned best)
{
	double fewer = best > 1 ? capacity->rate[best - 1] : 0;

	if (capacity->rate[best + 1] > 0 || capacity->rate[best] >= FULL * capacity->nominal)
		return false;
	return fewer == 0 || capacity->rate[best] >= STILL_GROWING * fewer;
}

unsigned
rescue_capacity_limit(const RescueCapacity *capacity, unsigned max)
{
	unsigned best;

	max = CLAMP(max, 1, RESCUE_CAPACITY_MAX);
	best = find_best(capacity, max);
	if (best == 0)
		return MIN(capacity->first, max);
	return best < max && may_grow(capacity, best) ? best + 1 : best;
}

double
rescue_capacity_rate(const RescueCapacity *capacity, unsigned transfers)
{
	transfers = CLAMP(transfers, 1, RESCUE_CAPACITY_MAX);
	if (capacity->rate[transfers] > 0)
		return capacity->rate[transfers];
	for (unsigned n = transfers; n-- > 1;) {
		if (capacity->rate[n] > 0)
			return capacity->rate[n];
	}
	return capacity->nominal;
}
