/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/base/json.h"
#include "core/config/line.h"

/*
 * What one child is told about its webhook or hook, on stdin: as the daemon knows it, not as the file may say while
 * somebody edits it. By names, since the program may be a newer one than the daemon. Pure.
 */

/** Member beside it: the number of the last event that this child may tell; 0 or none: there is no last one. */
#define RESCUE_COURIER_UP_TO "up_to"

/** Caller owns. */
RescueJson *rescue_webhook_to_json(const RescueWebhook *webhook);
RescueJson *rescue_hook_to_json(const RescueHook *hook);
/** Adds it to the configuration; BAD_INPUT when it is neither. */
bool rescue_courier_read(const RescueJson *json, RescueLineConfig *config, GError **error);
