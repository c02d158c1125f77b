/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/json.h"

/*
 * What is asked about jobs that are over. The daemon writes it down as one JSON object, a child of it reads that on its
 * stdin and answers (`line read`): a month of journals takes longer than the daemon's loop has. Pure.
 */

typedef enum {
	RESCUE_PAST_HISTORY, /* {"jobs": [{job, ecid, product, started, ended, outcome, failure, …}], "more": bool} */
	RESCUE_PAST_RECORD, /* the restore record of a job */
	RESCUE_PAST_REPORT, /* all restores that ended in a time */
	RESCUE_PAST_LAST
} RescuePastKind;

/** Which past jobs; zeros: all. */
typedef struct {
	const char *ecid;   /* as written; NULL: of every phone */
	const char *before; /* job id: only older ones; NULL: from the newest */
	unsigned limit;     /* 1 to 500 */
} RescueLineQuery;

/** Which shift, and how it is wanted. */
typedef struct {
	int64_t from_us, to_us; /* wall time */
	bool csv;               /* else JSON */
} RescueLineSpan;

/** All borrowed. Of `query`, `job` and `span` the one counts that the kind says. */
typedef struct {
	RescuePastKind kind;
	RescueLineQuery query;
	const char *job;
	RescueLineSpan span;
} RescuePast;

/** How it went, which is the exit status of the child, too. */
typedef enum {
	RESCUE_PAST_READ, /* the answer is whole */
	RESCUE_PAST_FAILED, /* by this computer's fault; from here on the answer is a sentence, or nothing */
	RESCUE_PAST_REFUSED, /* what was asked is wrong */
	RESCUE_PAST_MISSING, /* there is no such job */
	RESCUE_PAST_LATE,    /* not read in time */
	RESCUE_PAST_ENDED,   /* nobody waits for it any more */
} RescuePastEnd;

/** The same with what was read. */
typedef struct {
	RescuePastEnd end;
	int fd;               /* of the whole answer, whose receiver closes it; -1: there is none */
	size_t size;          /* of that answer */
	const char *sentence; /* why there is none; borrowed */
} RescueRead;

/** Longer answers are refused: ask for less. */
#define RESCUE_PAST_MAX_BYTES (64u * 1024 * 1024)

/** As the child is told it. Caller frees. */
char *rescue_past_write(const RescuePast *past);
/** The other way; *ret_past borrows from `json`. BAD_INPUT. */
bool rescue_past_parse(const RescueJson *json, RescuePast *ret_past, GError **error);
