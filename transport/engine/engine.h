/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

#include "core/port/ports.h"
#include "core/process/inbox.h"
#include "core/process/lock.h"

/*
 * idevicerestore as the engine of a job. It runs in a private folder of its attempt,
 * WORK_ROOT/attempt-N (0700), with its transcript (0600) and a cache that is removed when the
 * engine has ended: two engines that share a cache truncate each other's image. It outlives us and
 * inherits the lock of its device.
 */
typedef struct RescueEngine RescueEngine;

/** All borrowed for the life of the engine object, except the strings, which are copied. */
typedef struct {
	/* what the job says: path, name of a program or of an engine, "system", "auto"; NULL: nothing */
	const char *program;
	const char *engines_dir;    /* STATE/engines; NULL: the system's engine is the only one */
	const char *work_root;      /* STATE/jobs/JOB; made when missing */
	RescueInbox *inbox;         /* lines and the exit arrive here */
	RescueLock *lock;           /* of the device, inherited by the engine; NULL: none (tests) */
	const char *signing_server; /* URL; NULL: Apple's */
	const char *relay;   /* program that stands before it; NULL: the engine asks by itself */
	const char *ca_file; /* for the relay; NULL: this computer's list */
} RescueEngineSpec;

extern const RescueEnginePort rescue_engine_port; /* self is a RescueEngine */

RescueEngine *rescue_engine_new(const RescueEngineSpec *spec);
/**
 * A running engine goes on; its cache then stays until whoever adopts it removes it. Accepts NULL.
 */
void rescue_engine_free(RescueEngine *engine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueEngine, rescue_engine_free)
