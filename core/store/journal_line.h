/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stddef.h>

#include "core/base/json.h"

/* Inner part of core/store: the form of a journal's lines. */

/** "{…}\tXXXXXXXX\n"; caller frees. */
char *rescue_journal_make_line(const RescueJson *event);
/**
 * How many of the bytes are believable lines, from the first one on; `events` (of RescueJson, or
 * NULL) receives them.
 */
size_t rescue_journal_scan(const char *text, size_t size, GPtrArray *events);
