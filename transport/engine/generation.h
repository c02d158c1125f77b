/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/failure/transcript.h"
#include "core/model/build.h"
#include "transport/engine/launch.h"

/* Inner part of transport/engine: which idevicerestore is here, and what it understands. */

typedef struct {
	RescueLaunch launch; /* its program is NULL until it has been looked for */
	char *version;       /* "1.0.0"; NULL: not looked at yet */
	bool has_logfile;    /* --logfile=PATH: the generation after 1.0.0 */
	bool has_server;  /* -s URL; without it -s has no argument and means another signing host */
	bool has_variant; /* --variant: this one picks a build identity by its variant */
	int64_t modified_us; /* of the file that was looked at */
	uint64_t size;
} RescueGeneration;

/**
 * Looks at the program, again only when its file has changed. A program without a path is looked
 * for in PATH, NULL is idevicerestore. Runs the loop for a moment. NO_ENGINE when there is none,
 * ENGINE_UNUSABLE when it does not tell its version. The launch is copied.
 */
bool rescue_generation_look(RescueGeneration *generation, const RescueLaunch *launch,
			    GError **error);
void rescue_generation_clear(RescueGeneration *generation);
RescueDialect rescue_generation_dialect(const RescueGeneration *generation);
RescuePicking rescue_generation_picking(const RescueGeneration *generation);
/** 1: that of 1.0.0; 2: what came after it. */
int rescue_generation_number(const RescueGeneration *generation);
/**
 * The version in what `--version` says: "idevicerestore 1.0.1 (…)"; caller frees, NULL when there
 * is none. Pure.
 */
char *rescue_generation_read_version(const char *output);
