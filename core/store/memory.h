/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "core/port/ports.h"

/*
 * What earlier jobs have learned, read from the index over their journals. A remedy that took effect has helped when
 * the same failure in the same step was not the next thing to happen; one without effect was tried and has not helped;
 * a job that somebody stopped right after it says nothing.
 */
typedef struct RescueMemory RescueMemory;

extern const RescueMemoryPort rescue_memory_port; /* self is a RescueMemory */

/** Over the journals below this folder. */
RescueMemory *rescue_memory_new(const char *state_dir);
/** Accepts NULL. */
void rescue_memory_free(RescueMemory *memory);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueMemory, rescue_memory_free)
