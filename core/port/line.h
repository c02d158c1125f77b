/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "core/port/ports.h"

/*
 * The outside world as the daemon of a line sees it: processes of jobs, leave to go on, and a journal of its own, which
 * is a RescueStorePort. What happens is told to the supervisor (core/line/supervisor.h), from the loop.
 */

/** What a job is started with. Borrowed. */
typedef struct {
	RescueEcid ecid;
	const char *id; /* NULL: it has none yet */
	RescueBehavior behavior;
	const RescueWish *wish;
	const char *ipsw;   /* NULL: the wish says which firmware */
	const char *policy; /* NULL: the standard one */
	int hold_ms;        /* so long its engine may be held before it sends; 0: not at all */
} RescueLineJob;

/** Processes of jobs. They outlive the daemon; it knows them by the journal and the lock of their phone. */
typedef struct {
	/** The id of the job that goes on where `job->id` left off, or a new one where it cannot. Caller frees. */
	char *(*name)(void *self, const RescueLineJob *job);
	/** Starts its process. BUSY: somebody else drives the phone, and is named. */
	bool (*start)(void *self, const RescueLineJob *job, GError **error);
	/**
	 * A job of an earlier daemon: all that its journal says is told before this returns. True: its process lives
	 * and is followed from now on, as if it had been started.
	 */
	bool (*follow)(void *self, RescueEcid ecid, const char *job);
	/** Its engine runs now, with or without a supervisor. */
	bool (*has_engine)(void *self, RescueEcid ecid);
	/** Ends the process, not its engine. Its end is told as usual. */
	void (*end)(void *self, RescueEcid ecid);
	/** How long a job with this policy may go without progress in a phase, in milliseconds. */
	int (*patience_ms)(void *self, const char *policy, RescuePhase phase);
} RescueJobsPort;

/** Leave for jobs that wait for their turn: the other end of RescueTurnPort. */
typedef struct {
	/** HOST_IO: it could not be given, and may be tried again. */
	bool (*grant)(void *self, const char *job, const char *turn, unsigned number,
		      GError **error);
} RescueGrantPort;

/** All of them; borrowed for the supervisor's life. */
typedef struct {
	const RescueClock *clock;
	const RescueJobsPort *jobs;
	void *jobs_self;
	const RescueGrantPort *grants;
	void *grants_self;
	const RescueStorePort *store; /* of the station */
	void *store_self;
} RescueLinePorts;
