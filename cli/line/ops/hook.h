/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

#include "core/base/json.h"
#include "core/config/line.h"

/* What a command hook gets: no shell ever sees any of it. Pure. */

/** Program and arguments, NULL-terminated; borrows the texts, caller frees the array with g_free(). */
const char **rescue_hook_argv(const RescueHook *hook);
/**
 * "RESCUE_SLOT=A3" and so on for each name of hook-variable.def, empty where the event does not say it; control
 * characters become '?'. Caller frees with g_strfreev().
 */
char **rescue_hook_environment(const RescueJson *event);
