/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "core/process/process.h"

/*
 * Inner part of transport/engine: children one after the other, for something that lasts, and that SIGINT, SIGTERM
 * and
 * SIGHUP end in order: the child that runs is ended, and no other one starts.
 */
typedef struct {
	pid_t pid; /* of the one that runs now, which leads a group of its own; 0: none */
	bool stopped;
	guint signals[3];
	const RescueProcessSpec *spec;
} RescueChild;

/** From now on those signals are ours. */
void rescue_child_init(RescueChild *child);
void rescue_child_clear(RescueChild *child);
/** False with CANCELLED when it was stopped. */
bool rescue_child_check(const RescueChild *child, GError **error);
/**
 * Runs the loop until it has ended. False when it could not be started, was stopped, or was not done at its deadline
 * (DOWNLOAD_FAILED); what its status means is for the caller to say. `spec->before_exec` is ours.
 */
bool rescue_child_run(RescueChild *child, const RescueProcessSpec *spec, unsigned deadline_ms,
		      RescueProcessResult *ret_result, GError **error);
