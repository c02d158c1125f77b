/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdbool.h>

/*
 * No process of a lab outlives it. The lab is two processes: the inner one is the lab, the outer one waits for it and
 * inherits whatever the inner one leaves behind should it crash. Both are subreapers, so that a grandchild in a
 * session of its own, such as an adopted engine, is still somebody's child here.
 */

/**
 * Runs `inner` in a child process, passes SIGINT, SIGTERM and SIGHUP on to it, then kills what it left. Returns its
 * exit status, 128+n for a signal, or -1 if it could not be started. Call it before anything else: the child is
 * forked without exec.
 */
int lab_keeper_run(int (*inner)(void *data), void *data);
/** Sends SIGKILL to every child of this process. True if there was one. */
bool lab_keeper_kill_children(void);
/** Waits for each child that has ended; calls `ended` (may be NULL). False when no child is left at all. */
bool lab_keeper_reap(void (*ended)(void *data, int pid, int status), void *data);
/** The status as a shell gives it. */
int lab_keeper_shell_status(int status);
