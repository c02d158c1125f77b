/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/agent/model.h"

#include <string.h>

#include <libirecovery.h>

static bool
is_model_of(const struct irecv_device *entry, const RescueDevice *device)
{
	if (device->board != NULL)
		return g_ascii_strcasecmp(entry->hardware_model, device->board) == 0;
	return device->have_chip && entry->chip_id == device->chip_id &&
	       entry->board_id == device->board_id;
}

void
rescue_model_complete(RescueDevice *device)
{
	const struct irecv_device *entry = irecv_devices_get_all();
	while (entry->product_type != NULL && !is_model_of(entry, device))
		entry++;
	if (entry->product_type == NULL)
		return;
	if (device->product == NULL)
		device->product = g_strdup(entry->product_type);
	if (device->board == NULL)
		device->board = g_strdup(entry->hardware_model);
	if (!device->have_chip) {
		device->have_chip = true;
		device->chip_id = entry->chip_id;
		device->board_id = entry->board_id;
	}
}
