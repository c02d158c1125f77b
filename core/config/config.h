/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

#include "core/model/policy.h"

/*
 * Policy files: INI, strict. Group [policy]: name, attempts, deadline, pause, pause-max, boot, person, bus, charge,
 * may-erase, may-update, consents (words of RescueConsent) and never (names of remedies), both lists between
 * semicolons; group [patience]: names of phases with durations. What is not said stays as in the standard policy;
 * what is not known, said twice or not a number is refused with the line's own words (ini.h). Table of keys:
 * key.def.
 */

/** RESCUE_ERROR_BAD_INPUT or HOST_IO with the path in the message; caller owns. */
RescuePolicy *rescue_policy_load(const char *path, GError **error);
/** One of those in policies/, by its name; NULL: there is none. Caller owns. */
RescuePolicy *rescue_policy_find_shipped(const char *name);
/** "cautious, line, standard": their names, for a message. Caller frees. */
char *rescue_policy_list_shipped(void);
