/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "core/store/journal_summary.h"
#include "core/store/sqlite.h"

/* Inner part of core/store: jobs and their steps as rows of the index. */

/** In which state a journal file was read. */
typedef struct {
	int64_t size, mtime_ns, ctime_ns;
} RescueJournalStamp;

/** The statements, prepared once. */
typedef struct {
	RescueStatement *put_job, *drop_job, *put_step, *get_steps;
} RescueIndexRows;

/** False with an error when the tables are not as this program knows them; cleared all the same by the caller. */
bool rescue_index_rows_prepare(RescueIndexRows *rows, RescueSqlite *db, GError **error);
void rescue_index_rows_clear(RescueIndexRows *rows);
/** Replaces what was known of `job`: the name of its folder, not what the journal says. */
bool rescue_index_rows_put(RescueIndexRows *rows, const char *job,
			   const RescueJournalSummary *summary, const RescueJournalStamp *stamp,
			   GError **error);
/** Unknown is fine. */
bool rescue_index_rows_drop(RescueIndexRows *rows, const char *job, GError **error);
/** The columns of RESCUE_INDEX_COLUMNS in the present row, and the steps of that job. Caller owns. */
RescueJournalSummary *rescue_index_rows_get(RescueIndexRows *rows, RescueStatement *row,
					    GError **error);
#define RESCUE_INDEX_COLUMNS                                                                 \
	"job, ecid, product, ipsw, behavior, started, last, ended, outcome, failure, data, " \
	"version, build, advice, phase, seconds, attempts, torn"
