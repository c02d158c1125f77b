/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/base/json.h"
#include "core/failure/evidence.h"
#include "core/model/job.h"
#include "core/port/ports.h"

/*
 * One job: from the first sighting to a phone that has booted the wanted build. A state machine over the ports, no
 * I/O of its own; every step, failure and remedy is journalled before the next begins.
 */

typedef enum {
	RESCUE_OUTCOME_RESTORED,
	RESCUE_OUTCOME_RESTORED_UNCONFIRMED, /* the engine finished, the phone was not seen booted */
	RESCUE_OUTCOME_GAVE_UP,
	RESCUE_OUTCOME_NEEDS_OPERATOR,
	RESCUE_OUTCOME_CANCELLED,
	RESCUE_OUTCOME_DRY_RUN, /* all checks passed; nothing was touched */
} RescueOutcome;

/** "restored", "gave-up", … */
const char *rescue_outcome_name(RescueOutcome outcome);
/** Exit status of the contract: that of the failure when the job gave up, else the outcome's own. */
int rescue_outcome_exit_status(RescueOutcome outcome, RescueFailure failure);

/** Receives each stamped event after it was journalled; borrowed. */
typedef void (*RescueRunListener)(const RescueJson *event, void *data);

/** How it ended. */
typedef struct {
	RescueOutcome outcome;
	RescueFailure failure; /* the last one; NONE when there was none */
	RescuePhase phase;     /* where that was */
	unsigned attempts;     /* engine runs */
	char *advice;          /* what a person should do now; NULL when restored */
	char *trouble;         /* why its end is missing in the journal; NULL: it is there */
	int exit_status;       /* of the contract */
} RescueRunResult;

void rescue_run_result_clear(RescueRunResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueRunResult, rescue_run_result_clear)

/** Where an earlier supervisor of the same job left off, as its journal tells. */
typedef struct {
	uint64_t seq;           /* of the last believable event */
	unsigned attempts;      /* engine runs that were started */
	bool reached_restore;   /* an engine got as far as talking to the restore service */
	bool erased;            /* the former data are gone already */
	int64_t spent_ms;       /* of the job's deadline */
	const GArray *tried;    /* RescueTried, borrowed; NULL: nothing */
	RescueEngineRun engine; /* its end has not been answered yet; pid 0: none. Borrowed */
} RescueResume;

/** Everything is borrowed for the length of the run. */
typedef struct {
	const RescueJob *job; /* with its ECID; the lock of that ECID is held by the caller */
	const RescuePorts *ports;
	const RescueResume *resume; /* NULL: a new job */
	RescueRunListener listener; /* may be NULL */
	void *data;                 /* for the listener */
} RescueRunSpec;

/** Runs the job to its end. Caller clears `ret_result`. */
void rescue_run(const RescueRunSpec *spec, RescueRunResult *ret_result);
