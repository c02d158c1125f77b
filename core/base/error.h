/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

/*
 * One error domain for the whole product. A code is a RescueFailure (core/failure/failure.h), so that an
 * error always carries the documented category of what went wrong. The layers below core/failure raise
 * only the few codes named here; core/failure checks at compile time that they are the same numbers.
 */
#define RESCUE_ERROR (rescue_error_quark())
GQuark rescue_error_quark(void);

enum {
	RESCUE_ERROR_INTERNAL = 1,  /* a bug: exit status 1 */
	RESCUE_ERROR_BAD_INPUT = 2, /* something a person or file gave us: exit status 2 */
	RESCUE_ERROR_HOST_IO = 3,   /* this computer's disk, permission or memory */
	RESCUE_ERROR_CANCELLED = 4, /* somebody said stop */
	RESCUE_ERROR_BUSY = 5,      /* another job holds the device; the message names it */
};
