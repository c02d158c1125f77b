/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

#include "core/line/health.h"
#include "core/line/layout.h"

/* Where a device could be moved to. Pure. */

/** Everything is borrowed. */
typedef struct {
	const GPtrArray
	    *free; /* char *: the kernel's names of ports on which nothing is plugged in */
	const RescueLayout *layout; /* NULL: there is no station file; else its ports only */
	const GPtrArray *buses;     /* RescueUsbBus */
	const RescueHealth *health; /* outcomes by the kernel's names */
} RescueSpareSpec;

/** The label of the station file, NULL without one. Borrowed. */
const char *rescue_spare_label(const RescueSpareSpec *spec, const char *port);
/**
 * "A3 (12 restores, none failed), port 3 of bus 1 (not used yet)": the best three for a device that is on `from` (NULL:
 * not known), none behind the same hub and none that is bad; NULL when there is none. Caller frees.
 */
char *rescue_spare_tell(const RescueSpareSpec *spec, const char *from);
