/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

/** The command that a lab runs. All borrowed. */
typedef struct {
	char **argv;
	char **environment; /* PATH of it is searched */
	/* where what it prints is kept, besides being passed on */
	const char *stdout_path, *stderr_path;
	/* how long processes that it left may go on when it has ended; then SIGKILL */
	unsigned grace_ms;
} LabCommand;

/**
 * Runs it in a process group of its own, on the default main loop, until it and all its descendants have ended. SIGINT,
 * SIGTERM and SIGHUP of this process go to its group. Sets its shell status (128+n for a signal), and whether something
 * that it left had to be killed. False with `error` when it could not be started. Waits for every child of the process,
 * so there must be no others.
 */
bool lab_command_run(const LabCommand *command, int *ret_status, bool *ret_left, GError **error);
