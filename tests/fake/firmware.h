/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdbool.h>

#include "core/model/build.h"

/** What the system image of the fake firmware holds. */
#define RESCUE_FAKE_IMAGE_BYTES 4000000u

/**
 * 15.0 (19A346) for the fake phone, an update and an erase. `stored`: its system image is not packed.
 * `update_called_erase`: its manifest is like those since iOS 26. Caller owns.
 */
RescueFirmware *rescue_fake_firmware(const char *path, bool stored, bool update_called_erase);
