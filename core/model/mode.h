/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdbool.h>

/* In which of its software stages a device is seen. Words as in the contract; table in mode.def. */
typedef enum {
#define RESCUE_MODE(id, name, text) RESCUE_MODE_##id,
#include "core/model/mode.def"
#undef RESCUE_MODE
	RESCUE_MODE_LAST
} RescueMode;

const char *rescue_mode_name(RescueMode mode);
/** "in recovery mode (iBoot)": for people. */
const char *rescue_mode_text(RescueMode mode);
bool rescue_mode_parse(const char *name, RescueMode *ret_mode);
