/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "tests/lab/scenario/scenario.h"

/*
 * A scenario come to life: a directory, the phones, the servers, and the environment by which a command sees them.
 */
typedef struct LabWorld LabWorld;

/** `scenario` is borrowed. `dir` must exist. Builds the firmware files, starts the servers; no phone is there yet. */
LabWorld *lab_world_new(const LabScenario *scenario, const char *dir, GError **error);
/** Accepts NULL. The directory stays. */
void lab_world_free(LabWorld *world);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LabWorld, lab_world_free)
/** Powers the phones on, or sees to it that they appear when they should. */
void lab_world_start(LabWorld *world);
/** The environment of the command; borrowed. */
char **lab_world_environment(const LabWorld *world);
/** $LAB_RECORD; borrowed. */
const char *lab_world_record_path(const LabWorld *world);
/** Writes the last event of each phone, `state`. `erased` tells how often a phone was erased. */
void lab_world_record_state(LabWorld *world,
			    unsigned (*erased)(const void *data, const char *phone),
			    const void *data);
