/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/port/ports.h"
#include "core/process/inbox.h"

/*
 * Turns between the daemon of a line and its jobs: a job asks in its journal, the daemon answers with a file in the
 * job's folder. Files, because both may die at any moment and nothing may be lost with them.
 */
typedef struct RescueTurns RescueTurns;

extern const RescueTurnPort rescue_turns_port; /* self is a RescueTurns */

/** The job's side; the inbox is borrowed. So long its engine may be held before it sends; 0: not at all. */
RescueTurns *rescue_turns_new(const char *state_dir, const char *job_dir, RescueInbox *inbox,
			      int hold_ms);
/** Accepts NULL. */
void rescue_turns_free(RescueTurns *turns);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueTurns, rescue_turns_free)

/** The file that grants this turn, below the folder of the job; caller frees. */
char *rescue_turns_path(const char *job_dir, const char *turn, unsigned number);
/** STATE/line, what the daemon keeps; caller frees. */
char *rescue_line_dir(const char *state_dir);
/** The station's own journal; caller frees. */
char *rescue_line_journal_path(const char *state_dir);
/** The file whose lock the living daemon holds; caller frees. */
char *rescue_line_lock_path(const char *state_dir);
/** A daemon lives for this state folder. */
bool rescue_line_is_served(const char *state_dir);
