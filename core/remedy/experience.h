/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/remedy/remedy.h"

/* What has helped before, and when that is enough to change the order of a ladder. Pure; see docs/decisions/024. */

/** How often a remedy was carried out for one failure in one step, and how often that failure then stayed away. */
typedef struct {
	RescueRemedy remedy;
	unsigned tried, helped;
} RescueExperience;

/** So many tries a remedy needs before they count at all. */
#define RESCUE_EXPERIENCE_ENOUGH 8u

/** The narrowest of `n` scopes, narrowest first, that has enough tries; false when none has. */
bool rescue_experience_narrow(const unsigned *tried, const unsigned *helped, size_t n,
			      RescueExperience *experience);
/**
 * Whether what is known of `better` puts it before `usual`: only when even the low end of what its true rate of success
 * may be (Wilson's interval, 90 %) is above the high end of the other's. False when either is not known enough.
 */
bool rescue_experience_prefers(const GArray *experience, RescueRemedy better, RescueRemedy usual);
