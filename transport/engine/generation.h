/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/failure/transcript.h"

/* Inner part of transport/engine: which idevicerestore is here, and what it understands. */

typedef struct {
	char *program;    /* absolute path; NULL: not looked at yet */
	char *version;    /* "1.0.0" */
	bool has_logfile; /* --logfile=PATH: the generation after 1.0.0 */
	bool has_server;  /* -s URL; without it -s has no argument and means another signing host */
	int64_t modified_us; /* of the file that was looked at */
	uint64_t size;
} RescueGeneration;

/**
 * Looks at the program, again only when its file has changed. NULL: idevicerestore in PATH. Runs
 * the loop for a moment. NO_ENGINE when there is none, ENGINE_UNUSABLE when it does not tell its
 * version.
 */
bool rescue_generation_look(RescueGeneration *generation, const char *program, GError **error);
void rescue_generation_clear(RescueGeneration *generation);
RescueDialect rescue_generation_dialect(const RescueGeneration *generation);
/**
 * The version in what `--version` says: "idevicerestore 1.0.1 (…)"; caller frees, NULL when there
 * is none. Pure.
 */
char *rescue_generation_read_version(const char *output);
