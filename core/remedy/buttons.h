/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stddef.h>

/* The button sequences of buttons.def: software cannot do these for the person who holds the device. Pure. */

typedef enum {
	RESCUE_BUTTONS_RESTART, /* force-restart: back into whatever the device would boot */
	RESCUE_BUTTONS_RECOVERY,
	RESCUE_BUTTONS_DFU,
	RESCUE_BUTTONS_GOAL_LAST
} RescueButtonsGoal;

typedef struct {
	unsigned seconds; /* to hold; 0: a short press */
	const char *text;
} RescueButtonStep;

/** The steps for a model, borrowed and in order; 0 when the model or its buttons are not known. */
size_t rescue_buttons_find(const char *product, RescueButtonsGoal goal,
			   const RescueButtonStep **ret_steps);
/** All of them as one sentence with their times, NULL when they are not known. Caller frees. */
char *rescue_buttons_tell(const char *product, RescueButtonsGoal goal);
