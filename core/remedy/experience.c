/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/remedy/experience.h"

#include <math.h>

#define Z 1.645 /* two-sided 90 % */

bool
rescue_experience_narrow(const unsigned *tried, const unsigned *helped, size_t n,
			 RescueExperience *experience)
{
	for (size_t i = 0; i < n; i++) {
		if (tried[i] < RESCUE_EXPERIENCE_ENOUGH)
			continue;
		experience->tried = tried[i];
		experience->helped = MIN(helped[i], tried[i]);
		return true;
	}
	return false;
}

static const RescueExperience *
find(const GArray *experience, RescueRemedy remedy)
{
	for (guint i = 0; experience != NULL && i < experience->len; i++) {
		const RescueExperience *one = &g_array_index(experience, RescueExperience, i);
		if (one->remedy == remedy && one->tried >= RESCUE_EXPERIENCE_ENOUGH)
			return one;
	}
	return NULL;
}

/* Wilson's score interval: sound for few tries and for rates near 0 and 1 */
static void
bound(const RescueExperience *one, double *ret_low, double *ret_high)
{
	double n = one->tried, p = one->helped / n;
	double center = p + Z * Z / (2 * n);
	double half = Z * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n));
	double scale = 1 + Z * Z / n;

	*ret_low = (center - half) / scale;
	*ret_high = (center + half) / scale;
}

bool
rescue_experience_prefers(const GArray *experience, RescueRemedy better, RescueRemedy usual)
{
	const RescueExperience *one = find(experience, better);
	const RescueExperience *other = find(experience, usual);
	double low, high, other_low, other_high;

	if (one == NULL || other == NULL)
		return false;
	bound(one, &low, &high);
	bound(other, &other_low, &other_high);
	return low > other_high;
}
