/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* Reads the lab's record as it grows: what really happened to the phone. */
typedef struct Witness Witness;

/** `path`: the record; it need not be there yet. */
Witness *witness_new(const char *path);
void witness_free(Witness *witness);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Witness, witness_free)
/** Takes in what has been written since the last time. */
void witness_read(Witness *witness);
/** True when this step of a restore has begun since the step that was found last; it is then the one found last. */
bool witness_find_step(Witness *witness, const char *name);
/** Of the engine that was seen last; 0: none. */
pid_t witness_engine(const Witness *witness);
/** How many engines there were. */
unsigned witness_engines(const Witness *witness);
/** How many of them were in a step in which the phone is flashed. */
unsigned witness_flashing_engines(const Witness *witness);
unsigned witness_erased(const Witness *witness);
