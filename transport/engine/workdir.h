/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Inner part of transport/engine: the private folder of one attempt. */

typedef struct {
	char *dir;        /* WORK_ROOT/attempt-N */
	char *transcript; /* in it */
	char *relay_log;  /* in it, when there is a relay */
	char *cache;      /* in it; gigabytes while the engine runs */
} RescueWorkdir;

/**
 * A folder that did not exist before: a supervisor that died may have left one of the same number.
 * HOST_IO.
 */
bool rescue_workdir_make(RescueWorkdir *workdir, const char *work_root, unsigned attempt,
			 GError **error);
/** The folder that an earlier transcript lies in; false when it is not below `work_root`. */
bool rescue_workdir_of(RescueWorkdir *workdir, const char *work_root, const char *transcript);
/** Removes the cache; the transcript stays. What cannot be removed is left. */
void rescue_workdir_remove_cache(const RescueWorkdir *workdir);
void rescue_workdir_clear(RescueWorkdir *workdir);
