/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/port/ports.h"

/*
 * Turns on the USB buses of this computer, among all its jobs: files beside the ECID locks, held by open file
 * descriptions, so that the kernel gives them back when their holder dies.
 *
 *   1.0x….bus    this job's engine may use bus 1; each job has a file of its own
 *   1.alone      one job wants bus 1 to itself, or has it
 *
 * Who begins holds its own file first and then looks for the other; who wants to be alone holds that one first and
 * then looks for files of others. So one of two always sees the other, and nobody new begins while one waits: those
 * who run are only waited for.
 */
typedef struct RescueBus RescueBus;

extern const RescueBusPort rescue_bus_port; /* self is a RescueBus */

/** For one job; both are told to whoever waits for it. */
RescueBus *rescue_bus_new(RescueEcid ecid, const char *job);
/** Gives back what is held. Accepts NULL. */
void rescue_bus_free(RescueBus *turn);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueBus, rescue_bus_free)
