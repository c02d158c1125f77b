/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "core/process/process.h"

/*
 * A process that stands still for a while, and goes on whatever becomes of who has stopped it: a guard of its own, a
 * process that nothing but SIGKILL ends, lets it go on when the hold ends, when we die, and when its time is over
 * although we live, but hang.
 */
typedef struct RescueHold RescueHold;

/**
 * Stops the process and its group for at most `most_ms`. HOST_IO when it has ended, or no guard can be had: nothing is
 * stopped then. Caller owns.
 */
RescueHold *rescue_hold_new(const RescueProcess *process, int most_ms, GError **error);
/** It goes on. Accepts NULL. */
void rescue_hold_free(RescueHold *hold);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueHold, rescue_hold_free)
