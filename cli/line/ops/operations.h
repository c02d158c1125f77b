/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cli/common/cli.h"
#include "core/base/json.h"
#include "core/config/line.h"
#include "core/line/station.h"

/*
 * What the daemon of a line does beside restoring, in one piece: systemd and the log, webhooks and hooks, the daily
 * upkeep. Everything that takes time is a child's.
 */
typedef struct RescueOperations RescueOperations;

/**
 * `conf`: the file that `config` was read from, for children; NULL: there is none, and nobody is told anything. HOST_IO
 * when there can be no outbox. Caller owns.
 */
RescueOperations *rescue_operations_new(const RescueCli *cli, const char *conf,
					const RescueLineConfig *config, GError **error);
/** Children are ended, restores are not. Accepts NULL. */
void rescue_operations_free(RescueOperations *operations);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueOperations, rescue_operations_free)
/** The line is up: systemd may go on. */
void rescue_operations_ready(RescueOperations *operations, const RescueStation *station);
/** To be called after each change of the bench: tells who wants to know, cheap when nothing is new. */
void rescue_operations_look(RescueOperations *operations, const RescueStation *station);
/** The files are about to be read again; rescue_operations_ready() follows in any case. */
void rescue_operations_reloading(RescueOperations *operations);
/** `config`: what line.conf says now. */
void rescue_operations_configure(RescueOperations *operations, const RescueLineConfig *config);
void rescue_operations_stopping(RescueOperations *operations);
/** A sentence for people, to journal or stderr; `about` (NULL: nothing): a line of the station's journal. */
void rescue_operations_say(const RescueOperations *operations, const char *sentence,
			   const RescueJson *about);
/** "64 ports: 12 running, 2 needs-operator"; caller frees. */
char *rescue_operations_status(const RescueStation *station);
