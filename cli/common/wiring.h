/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cli/common/cli.h"
#include "core/model/job.h"
#include "core/port/ports.h"

/* The only file that knows which implementation stands behind a port. */
typedef struct RescueWiring RescueWiring;

/** Switches on what a killed job has left off, and says so. */
void rescue_cli_recover_ports(const RescueCli *cli);
/** Inbox (signals become observations), devices, inspect: what needs no job. `cli` has to live as long. */
RescueWiring *rescue_wiring_new(const RescueCli *cli, GError **error);
/** Lets go of the job's lock too. Accepts NULL. */
void rescue_wiring_free(RescueWiring *wiring);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueWiring, rescue_wiring_free)
/** Borrowed; engine and store are there after rescue_wiring_take_job(), before it the host knows no folder. */
const RescuePorts *rescue_wiring_ports(const RescueWiring *wiring);
/**
 * Takes the lock of the job's ECID (RESCUE_ERROR_BUSY names who holds it), makes the job's folder and journal, and
 * wires engine, host and store to it. `orphan`: the engine of this same job that is to be taken over, or NULL. The job
 * is borrowed for the wiring's life.
 */
bool rescue_wiring_take_job(RescueWiring *wiring, const RescueJob *job,
			    const RescueEngineRun *orphan, GError **error);
/** The job that was taken belongs to the line of this state folder: its engines wait for their turn. */
void rescue_wiring_join_line(RescueWiring *wiring, const RescueJob *job);
