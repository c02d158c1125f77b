/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A copy of a state folder, made while jobs and a line write to it. The copy is a state folder itself: `--state COPY`
 * reads it, and put in place of the old one it is the old one. Journals are copied as far as they were; a line that was
 * just being written is left out like after a power cut. The station's journal is copied before the jobs that it names.
 */

typedef struct {
	uint64_t files, bytes;
} RescueBackup;

/**
 * `target` must not be there; it appears when it is whole and on disk, or not at all. BAD_INPUT, HOST_IO with what was
 * begun cleared away.
 */
bool rescue_backup_make(const char *state_dir, const char *target, RescueBackup *ret_backup,
			GError **error);
