/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/model/device.h"

/* Model names out of libirecovery's own table, as new as the library that is installed. No device is needed. */

/** Fills product and board in where the device lacks them, by chip and board number or by board name. */
void rescue_model_complete(RescueDevice *device);
