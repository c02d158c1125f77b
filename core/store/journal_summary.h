/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/model/ecid.h"
#include "core/port/ports.h"

/*
 * What a journal tells about its job: for `history`, and for a supervisor that takes up where
 * another one died.
 */

typedef enum {
	RESCUE_JOURNAL_ATTEMPT,
	RESCUE_JOURNAL_FAILURE,
	RESCUE_JOURNAL_REMEDY,
} RescueJournalStepKind;

/** One attempt, failure or remedy; strings owned, NULL when the journal does not say. */
typedef struct {
	RescueJournalStepKind kind;
	unsigned attempt; /* the engine run it belongs to, 0 before the first */
	char *time;       /* "2026-11-22T10:04:00.123Z" */
	char *name;       /* of the failure or remedy; version of the engine for an attempt */
	char *phase;      /* of a failure */
	char *category;   /* of a failure */
	char *port;       /* of a failure: where the device was then */
	char *text;       /* the sentence for people */
	char *outcome;    /* of an attempt or remedy; NULL: it was never finished */
} RescueJournalStep;

typedef struct {
	char *job;
	RescueEcid ecid; /* 0: not known */
	char *product, *ipsw, *behavior;
	char *started, *ended; /* ISO 8601; `ended` NULL: no `done` event */
	char *last;            /* when the last believable event was */
	double seconds;        /* of a job that is done */
	char *outcome;         /* NULL: it never ended by itself */
	char *failure, *data, *version, *build, *advice; /* as `done` says */
	char *phase;                                     /* the step that was begun last */
	unsigned attempts;                               /* engine runs that were started */
	uint64_t seq;                                    /* of the last believable event */
	RescueEngineRun engine; /* the last engine; pid 0: none was started */
	bool engine_open;       /* nothing was journalled about the end of that engine */
	char *port;             /* where the device was seen last */
	bool torn;              /* the file ends in a line that is not whole */
	GPtrArray *steps;       /* RescueJournalStep, in order */
} RescueJournalSummary;

/**
 * Never NULL; of events as rescue_journal_read() gives them. What is missing stays unsaid. Caller
 * owns.
 */
RescueJournalSummary *rescue_journal_summarize(const GPtrArray *events, bool torn);
/** Reads one journal file. Caller owns. */
RescueJournalSummary *rescue_journal_summary(const char *path, GError **error);
/** Nothing is known yet; caller owns. */
RescueJournalSummary *rescue_journal_summary_new(void);
/** Appends an empty step; borrowed from the summary. */
RescueJournalStep *rescue_journal_summary_add_step(RescueJournalSummary *summary);
void rescue_journal_summary_free(RescueJournalSummary *summary);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueJournalSummary, rescue_journal_summary_free)
