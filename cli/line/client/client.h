/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cli/common/cli.h"

/* The subcommands of `line` that speak to a line that runs. Each returns the exit status. */

/** `status`: the line now, or as it changes. */
int rescue_line_status(const RescueCli *cli, bool watch);
/**
 * "hold", "release", "retest", "answer" with a LABEL; "scan", "label" with LABEL and TEXT; "reload" alone. `arguments`:
 * what stands behind the word, NULL-terminated.
 */
int rescue_line_act(const RescueCli *cli, const char *word, char *const *arguments);

/** What `report` was told; NULL: not said. All borrowed. */
typedef struct {
	const char *from, *to; /* times: 2026-11-22T06:00:00Z or 2026-11-22 */
	const char *shift;     /* a duration up to `to`: "8h" */
	bool csv;
	const char *records; /* a folder that gets a restore record for each job */
} RescueLineReportOptions;

/** `report`: the restores of a shift. Reads the state folder itself; no line has to run. */
int rescue_line_report(const RescueCli *cli, const RescueLineReportOptions *options);
