/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "core/model/device.h"

/** Everything that reaches a waiting job, one at a time and in order. */
typedef enum {
	RESCUE_OBSERVED_DEADLINE, /* nothing came until the deadline of this wait */
	RESCUE_OBSERVED_DEVICE, /* a device appeared, left (mode absent) or changed; never opened for this */
	RESCUE_OBSERVED_LINE, /* the engine wrote a line */
	RESCUE_OBSERVED_EXIT, /* the engine ended */
	RESCUE_OBSERVED_STOP, /* somebody asked us to stop (SIGINT, SIGTERM) */
} RescueObservedKind;

typedef struct {
	RescueObservedKind kind;
	RescueDevice *device; /* DEVICE */
	char *line;           /* LINE: valid UTF-8, without its newline; overlong lines are cut */
	int exit_status; /* EXIT: status, or -1 when a signal ended it or an adopted engine's status is unknown */
	int exit_signal; /* EXIT: the signal, or 0 */
	unsigned stops;  /* STOP: how often by now */
} RescueObservation;

RescueObservation *rescue_observation_new(RescueObservedKind kind);
RescueObservation *rescue_observation_new_device(const RescueDevice *device);
RescueObservation *rescue_observation_new_line(const char *line);
void rescue_observation_free(RescueObservation *observation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueObservation, rescue_observation_free)
