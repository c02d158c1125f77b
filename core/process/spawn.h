/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Inner part of core/process: the fork itself. Everything that needs memory is prepared before it.
 */

typedef bool (*RescueSpawnHook)(pid_t pid, uint64_t start_time, void *data, GError **error);

typedef struct {
	const char *const *argv; /* argv[0]: path or name in PATH */
	const char *const *env;  /* on top of ours, or NULL */
	const char *cwd;         /* or NULL */
	int input_fd;            /* becomes stdin; -1: /dev/null */
	int output_fd;           /* becomes stdout */
	int error_fd;            /* becomes stderr */
	int inherit_fd;          /* stays open under its own number, or -1 */
	bool dies_with_us;       /* the kernel kills it when we end without having freed it */
	int nice;                /* so much less urgent than we are; as in nice(2) */
	RescueSpawnHook before_exec;
	void *data;
} RescueSpawn;

typedef struct {
	pid_t pid;
	uint64_t start_time;
	int pidfd; /* caller closes */
} RescueSpawned;

/**
 * Returns after the program has really been started, in its own process group; else nothing of it
 * is left.
 */
bool rescue_spawn(const RescueSpawn *spec, RescueSpawned *ret_spawned, GError **error);
