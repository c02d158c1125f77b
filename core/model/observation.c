/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/model/observation.h"

RescueObservation *
rescue_observation_new(RescueObservedKind kind)
{
	RescueObservation *observation = g_new0(RescueObservation, 1);
	observation->kind = kind;
	return observation;
}

RescueObservation *
rescue_observation_new_device(const RescueDevice *device)
{
	RescueObservation *observation = rescue_observation_new(RESCUE_OBSERVED_DEVICE);
	observation->device = rescue_device_copy(device);
	return observation;
}

RescueObservation *
rescue_observation_new_line(const char *line)
{
	RescueObservation *observation = rescue_observation_new(RESCUE_OBSERVED_LINE);
	observation->line = g_strdup(line);
	return observation;
}

void
rescue_observation_free(RescueObservation *observation)
{
	if (observation == NULL)
		return;
	rescue_device_free(observation->device);
	g_free(observation->line);
	g_free(observation->failure);
	g_free(observation->ticket_sha256);
	g_free(observation->path);
	g_clear_error(&observation->error);
	g_free(observation);
}
