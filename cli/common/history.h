/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/json.h"
#include "core/store/journal_summary.h"
#include "core/store/redact.h"

/* What `history` tells of the jobs below a state folder, and how they are forgotten. */

/** Its supervisor, or an engine without one, holds the device, or its journal is being written. */
bool rescue_history_is_running(const char *state_dir, const RescueJournalSummary *job);
/** "restored", …, "running" or "unfinished". Static or borrowed from `job`. */
const char *rescue_history_outcome(const char *state_dir, const RescueJournalSummary *job);
/** The job as one line of `history list --json`, without its steps' texts. Caller owns. */
RescueJson *rescue_history_to_json(const char *state_dir, const RescueJournalSummary *job);
/** Before this wall time its last event was. */
bool rescue_history_is_older(const RescueJournalSummary *job, int64_t wall_us);

/** Names of the transcripts of a job below its folder, "attempt-1/transcript.log", in order; caller owns. */
GPtrArray *rescue_history_transcripts(const char *job_dir);
/** BAD_INPUT when no such job has left anything below the state folder. */
bool rescue_history_check_job(const char *state_dir, const char *job, GError **error);
/**
 * Everything about a job: the summary, all believable events, the transcripts' text. Caller owns.
 * With a redactor that has learnt from all jobs that are exported, what is personal is replaced.
 */
RescueJson *rescue_history_export(const char *state_dir, const char *job, RescueRedactor *redactor,
				  GError **error);
/** Lets the redactor learn from the same. */
bool rescue_history_learn(const char *state_dir, const char *job, RescueRedactor *redactor,
			  GError **error);

/** Which jobs are to be forgotten; the conditions that are given all have to hold. */
typedef struct {
	char *const *jobs; /* names, NULL-terminated; NULL: not named one by one */
	RescueEcid ecid;   /* 0: of any device */
	bool older;        /* only those whose last event was before `before_us` */
	int64_t before_us; /* wall time */
	/** Folders that hold no readable journal too, and tickets of any device. */
	bool with_leftovers;
} RescueForget;

/** Told of each: `kept` NULL when it is gone, else why it is still there. */
typedef void (*RescueForgotten)(const char *job, const char *kept, void *data);

typedef struct {
	unsigned forgotten, running;
} RescueForgetCount;

/**
 * Deletes journals, transcripts, saved tickets, rows of the index and, with the last job of a device, what was learnt
 * of its UDID. A job that is running stays. False with HOST_IO when something could not be deleted, BAD_INPUT for a
 * job that is not there (then nothing is deleted).
 */
bool rescue_history_forget(const char *state_dir, const RescueForget *what, RescueForgotten told,
			   void *data, RescueForgetCount *ret_count, GError **error);
