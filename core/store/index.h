/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/store/journal_summary.h"

/*
 * An index over the journals, STATE/index.sqlite, so that `history list` need not read all of them.
 * The journals are the truth: a job whose journal has changed since it was indexed is read anew, one
 * whose journal is gone is dropped. An index that is missing, damaged or of another version is made
 * anew; when it cannot be written at all (locked, full or read-only disk), one in memory stands in.
 * It can be deleted at any time.
 */
typedef struct RescueIndex RescueIndex;

/** Which jobs; zeros: all. */
typedef struct {
	RescueEcid ecid; /* 0: of every device */
	bool failed;     /* only those that did not end restored, nor as a dry run */
	size_t limit;    /* of those that are kept; 0: all */
	/** Whether this one is wanted too; NULL: yes. */
	bool (*keep)(const RescueJournalSummary *job, void *data);
	void *data;
} RescueIndexFilter;

/** Up to date with the journals when it returns. Never NULL; caller owns. */
RescueIndex *rescue_index_open(const char *state_dir);
/** Accepts NULL. */
void rescue_index_free(RescueIndex *index);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueIndex, rescue_index_free)
/** Why the file could not be used and everything is in memory only; NULL when it is fine. Borrowed. */
const char *rescue_index_trouble(const RescueIndex *index);
/** A sentence for each journal that cannot be read, char *. Borrowed. */
const GPtrArray *rescue_index_unreadable(const RescueIndex *index);
/**
 * RescueJournalSummary, newest first; what only a running supervisor needs (engine, seq) is unset.
 * Caller owns the array.
 */
GPtrArray *rescue_index_list(RescueIndex *index, const RescueIndexFilter *filter);
/** Deletes the index and all that SQLite keeps beside it. Missing is fine; false when something is left. */
bool rescue_index_remove(const char *state_dir);
