/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/line/intake.h"
#include "core/line/layout.h"

/* What a station is told by files, and by this computer. */

/** Station file and rules (NULL: none). All or nothing; errors name the file. Caller owns both. */
bool rescue_line_files_load(const char *station, const char *rules, RescueLayout **ret_layout,
			    RescueIntakeRules **ret_rules, GError **error);
/** The root hubs of this computer as sysfs tells them, RescueUsbBus; caller owns. */
GPtrArray *rescue_line_find_buses(void);
