/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

#include "core/store/journal.h"

/*
 * The station's own journal, STATE/line/journal, and the lock that says that a daemon lives. The lines are in
 * core/line/keep.c and docs/line-journal.md.
 */
typedef struct RescueLineJournal RescueLineJournal;

/** What is still needed of all lines; caller owns. */
typedef GPtrArray *(*RescueLineCompact)(const GPtrArray *lines);

/** BUSY names the daemon that has this state folder, or says that one has this station file. HOST_IO. Caller owns. */
RescueLineJournal *rescue_line_journal_open(const char *state_dir, const char *station,
					    GError **error);
/** Lets go of the lock. Accepts NULL. */
void rescue_line_journal_close(RescueLineJournal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueLineJournal, rescue_line_journal_close)
/**
 * The lines that count, RescueJson. A long journal is written anew with only what `compact` leaves of it, the old one
 * put beside it as journal.old. Caller owns.
 */
GPtrArray *rescue_line_journal_read(RescueLineJournal *journal, RescueLineCompact compact,
				    GError **error);
/** After rescue_line_journal_read(); self is a RescueLineJournal. */
extern const RescueStorePort rescue_line_journal_port;
/** The same as at the start for one that has grown long meanwhile, which takes about a second; else nothing. */
void rescue_line_journal_tidy(RescueLineJournal *journal, RescueLineCompact compact);
