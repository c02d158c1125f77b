/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

#include "core/base/json.h"
#include "core/model/build.h"

/* What "--json firmware show" writes, and how the parent of that child reads it back: both ways in one file. */

/** {"v": 1, "file", "version", "build", …, "identities": […]}; caller owns. */
RescueJson *rescue_firmware_to_json(const RescueFirmware *firmware);
/** Trusts nothing: the writer has met hostile input. RESCUE_ERROR_INTERNAL when something is missing. Caller owns. */
RescueFirmware *rescue_firmware_from_json(const RescueJson *json, GError **error);

/** {"v": 1, "error": {"failure", "category", "text"}}, as every command writes it with --json; caller owns. */
RescueJson *rescue_error_to_json(const GError *error);
/** The error inside such an object, NULL when there is none in it; caller frees. */
GError *rescue_error_from_json(const RescueJson *json);
