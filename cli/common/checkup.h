/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cli/common/cli.h"
#include "core/doctor/findings.h"
#include "core/model/device.h"

/*
 * What on this computer would break a restore: every collector in a child of its own ("PROGRAM … doctor --worker KIND
 * …"), side by side, within one deadline. Nothing is changed, no device is opened.
 */

#define RESCUE_PARTS_ALL ((1u << RESCUE_PART_LAST) - 1)

/** Everything is borrowed; NULLs are what the command line leaves out. */
typedef struct {
	const char *program, *state_dir, *cache_dir, *engine;
	const char *signing_server, *catalog_url, *mirror, *ca_file;
	unsigned parts; /* 1u << RescuePart */
	const RescueDevice
	    *device; /* whose port, model and build count; NULL: none in particular */
} RescueCheckup;

/** As the command line says it. */
void rescue_checkup_init(RescueCheckup *checkup, const RescueCli *cli);
/** Runs the loop for fifteen seconds at most. */
void rescue_checkup_run(const RescueCheckup *checkup, RescueFindings *report);
/** The work of one child, by its kind and arguments; false when there is no such kind. Blocks. */
bool rescue_checkup_work(const RescueCli *cli, const char *kind, char **arguments,
			 RescueFindings *report);
