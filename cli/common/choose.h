/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/base/json.h"
#include "core/model/device.h"

/* Which device is meant, and how devices are listed. Pure. */

/**
 * The only device in the list when no ECID was given. DEVICE_NOT_FOUND when there is none, SEVERAL_DEVICES with all of
 * them when there are more: nothing acts on "the first one found". Borrowed from the list.
 */
const RescueDevice *rescue_choose_device(const GPtrArray *devices, GError **error);
/** ECID, model, mode, port, speed, version: a table for people; caller frees. */
char *rescue_devices_format(const GPtrArray *devices);
/** {"v": 1, "devices": […]}; caller owns. */
RescueJson *rescue_devices_to_json(const GPtrArray *devices);
/** One device, its ECID included, as it stands in that list; caller owns. */
RescueJson *rescue_device_to_json(const RescueDevice *device);
