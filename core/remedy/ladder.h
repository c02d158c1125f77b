/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stddef.h>

#include "core/remedy/remedy.h"

/* One line of ladder.def; within core/remedy only. */

typedef enum {
	RESCUE_WHEN_ANY,
	RESCUE_WHEN_ATTACHED,
	RESCUE_WHEN_ABSENT,
	RESCUE_WHEN_RECOVERY, /* recovery mode or iOS: from both it can be told to go to recovery mode */
	RESCUE_WHEN_LOADER, /* recovery or DFU mode */
	RESCUE_WHEN_RESTORE,
} RescueWhen;

typedef struct {
	RescueFailure failure;
	RescueRemedy remedy;
	RescueWhen when;
	unsigned times;
} RescueRung;

/** The rungs of a failure, borrowed and contiguous. */
size_t rescue_ladder_rungs(RescueFailure failure, const RescueRung **ret_rungs);
