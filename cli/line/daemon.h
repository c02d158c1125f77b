/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cli/common/cli.h"

/** What `line run` was told on its command line. All borrowed; NULL: the configuration says it. */
typedef struct {
	const char *conf;    /* path of line.conf; NULL: there is none */
	const char *name;    /* of the station */
	const char *station; /* path of the station file */
	const char *rules;   /* path of the rules */
	const char *listen;  /* "127.0.0.1:8470", "none" */
	bool drain; /* SIGTERM waits for the jobs that run; else they go on without a daemon */
} RescueLineRun;

/**
 * Runs the line until SIGTERM or SIGINT. SIGHUP: the files are read again. False: it could not begin, BUSY when a line
 * runs for this state folder already.
 */
bool rescue_line_run(const RescueCli *cli, const RescueLineRun *run, GError **error);
