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

/** How the phones are plugged in, and where the command runs. */
typedef enum {
	LAB_BENCH_UMOCKDEV, /* on the host, under umockdev's preload library */
	LAB_BENCH_QEMU,     /* in a machine with a kernel and a usbmuxd of its own */
} LabBench;

/** `scenario` is borrowed. `dir` must exist. Builds the firmware files, starts the servers; no phone is there yet. */
LabWorld *lab_world_new(const LabScenario *scenario, const char *dir, LabBench bench,
			GError **error);
/** Accepts NULL. The directory stays. */
void lab_world_free(LabWorld *world);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LabWorld, lab_world_free)
/** Powers the phones on, or sees to it that they appear when they should. */
void lab_world_start(LabWorld *world);
/** What the host has to start so that `argv` runs in this world. g_strfreev(). */
char **lab_world_command(const LabWorld *world, char **argv, GError **error);
/** Replaces the status of what the host has started by that of the command. False when nobody knows it. */
bool lab_world_exit_status(LabWorld *world, int *status, GError **error);
/** The environment of the command; borrowed. */
char **lab_world_environment(const LabWorld *world);
/** $LAB_RECORD; borrowed. */
const char *lab_world_record_path(const LabWorld *world);
/** Writes the last event of each phone, `state`. `erased` tells how often a phone was erased. */
void lab_world_record_state(LabWorld *world,
			    unsigned (*erased)(const void *data, const char *phone),
			    const void *data);
