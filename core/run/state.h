/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/failure/evidence.h"
#include "core/model/event.h"
#include "core/remedy/remedy.h"
#include "core/run/run.h"

/* What one job knows while it runs; private to core/run. */
typedef struct {
	const RescueJob *job;
	const RescuePorts *ports;
	const RescueResume *resume; /* NULL: a new job */
	RescueRunListener listener;
	void *listener_data;

	uint64_t seq;       /* of the last event */
	int64_t started_us; /* monotonic */
	GError *broken;     /* the journal refused: the job ends in order */
	unsigned stops;     /* how often somebody asked us to stop */

	RescueDevice *device;  /* as last seen */
	RescueMode first_mode; /* before we touched it */
	RescueFirmware *firmware;
	RescuePhase step; /* the step that was announced last and is open, or LAST */

	unsigned attempt; /* engine runs so far */
	RescueEngineRun engine;
	RescueEvidence *evidence; /* of the present attempt */
	GArray *tried;            /* RescueTried */
	bool reached_restore;     /* an engine got as far as talking to the restore service */
	bool erased;              /* the former data are gone */
	char *booted_version, *booted_build;
} RescueRun;

/** Fills `run` for a job that begins, or goes on where `spec->resume` left off. Borrows the spec's members. */
void rescue_run_state_init(RescueRun *run, const RescueRunSpec *spec);
/** Frees what `run` owns, not `run` itself. */
void rescue_run_state_clear(RescueRun *run);
/** Monotonic time of the job's clock. */
int64_t rescue_run_now_us(const RescueRun *run);
/** What is left of the deadline of the whole job; negative when it is over. */
int64_t rescue_run_ms_left(const RescueRun *run);

/* report.c: everything that leaves the job goes through here, journal first. */

/** Stamps, journals, then tells the listener. Takes `body`. After a journal error only the listener is told. */
void rescue_run_say(RescueRun *run, RescueJson *body);
/** Ends the open step and begins this one; RESCUE_PHASE_LAST only ends. The same step again says nothing. */
void rescue_run_step(RescueRun *run, RescuePhase phase);
void rescue_run_say_failure(RescueRun *run, const RescueVerdict *verdict);
/** state: "begin" or "end"; outcome NULL at the begin. */
void rescue_run_say_remedy(RescueRun *run, RescueRemedy remedy, const char *state,
			   const char *outcome);
void rescue_run_say_done(RescueRun *run, const RescueRunResult *result);

/* state.c: waiting. */

/**
 * The next thing that happens until `deadline_us`; device changes and stops are noted in the state before it is
 * returned. NULL at the deadline, and at once when the job was asked to stop and `run->stops` grew. Caller owns.
 */
RescueObservation *rescue_run_next(RescueRun *run, int64_t deadline_us);
/** Waits this long unless stopped; false when stopped. */
bool rescue_run_pause(RescueRun *run, int ms);
/** Waits until the device is in one of the modes (bit mask of 1u << mode); false at the deadline or when stopped. */
bool rescue_run_wait_mode(RescueRun *run, unsigned modes, int ms);
/** What the bus shows now, without opening anything. */
void rescue_run_look(RescueRun *run);

/* The steps, in the order in which a job takes them. Each fills run->evidence and returns false when it failed. */

bool rescue_run_prepare(RescueRun *run);
bool rescue_run_attempt(RescueRun *run);
/** Takes over the engine of an earlier supervisor, living or dead, and follows it to its end. */
bool rescue_run_adopt(RescueRun *run);
bool rescue_run_confirm(RescueRun *run);
/** Carries out the plan; false when it had no effect. */
bool rescue_run_recover(RescueRun *run, const RescuePlan *plan);
/** Leaves the device as friendly as possible after giving up: back to normal mode when its data are untouched. */
void rescue_run_leave(RescueRun *run);
