/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

#include "core/base/json.h"

/*
 * What a line tells (RescueSupervisorTold), as sentences for its log. The station's journal has a phone's record again
 * whenever anything in it changed; people are told only when the sentence is another than the last one of that phone.
 */
typedef struct RescueLineLog RescueLineLog;

/** Nothing was said yet. Caller owns. */
RescueLineLog *rescue_line_log_new(void);
/** Accepts NULL. */
void rescue_line_log_free(RescueLineLog *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueLineLog, rescue_line_log_free)
/** The sentence that is to be said now; NULL: none. Caller frees. */
char *rescue_line_log_word(RescueLineLog *log, const RescueJson *line);
