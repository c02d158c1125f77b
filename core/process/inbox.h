/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

#include "core/port/ports.h"

/*
 * The queue between the loop's callbacks and a job that waits: the only place where a job runs the
 * loop.
 */
typedef struct RescueInbox RescueInbox;

extern const RescueInboxPort rescue_inbox_port; /* self is a RescueInbox */

RescueInbox *rescue_inbox_new(void);
void rescue_inbox_free(RescueInbox *inbox);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueInbox, rescue_inbox_free)
/** Takes the observation over. From the loop's own thread only. */
void rescue_inbox_post(RescueInbox *inbox, RescueObservation *observation);
/** SIGINT and SIGTERM become observations of kind STOP. */
void rescue_inbox_watch_signals(RescueInbox *inbox);
