/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * How often this station asks the signing server: all its jobs share one bucket of tokens, kept in a small file that
 * is locked while it is changed. Sixteen at once, then one a second.
 */

#define RESCUE_SIGNING_BURST       16
#define RESCUE_SIGNING_INTERVAL_MS 1000
/** When the server asks for patience, nobody here asks it for so long. */
#define RESCUE_SIGNING_PENALTY_MS 60000

/** The file below a state folder; caller frees. */
char *rescue_signing_budget_path(const char *state_dir);
/**
 * Takes a token; *ret_wait_ms tells how long to wait before it may be used, at most some minutes. A file that says
 * nonsense starts anew, and one that a process holds and does not let go of costs a second and one interval: a process
 * that hangs is no matter of the others. HOST_IO.
 */
bool rescue_signing_budget_take(const char *path, int64_t wall_us, int64_t *ret_wait_ms,
				GError **error);
/** Nobody asks for RESCUE_SIGNING_PENALTY_MS. HOST_IO. */
bool rescue_signing_budget_punish(const char *path, int64_t wall_us, GError **error);
