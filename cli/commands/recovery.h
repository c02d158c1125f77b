/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "cli/common/cli.h"
#include "cli/common/wiring.h"
#include "core/remedy/buttons.h"

/* Shared by the commands "recovery" and "dfu". */

/** What a guide is for. */
typedef struct {
	RescueEcid ecid;     /* 0: no device can be named, since none is seen */
	const char *product; /* NULL: not known */
	RescueMode wanted;
	RescueButtonsGoal goal;
	int64_t deadline_ms; /* for the person */
} RescueGuide;

/** Tells the error and takes it; what only a person at the device can change exits as 75, as it does for a restore. */
int rescue_recovery_fail(const RescueCli *cli, GError *error);
/** Tells the steps as they are due, and ends as soon as the device is seen where it should go; the exit status. */
int rescue_recovery_guide(const RescueCli *cli, const RescuePorts *ports, const RescueGuide *guide);
