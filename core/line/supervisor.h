/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/line/station.h"
#include "core/port/line.h"

/*
 * The decisions of a line's daemon. Everything that happens is told to it, in the loop's order, and then
 * rescue_supervisor_turn() does what follows: starts jobs, lets them go on, ends those that hang. Whatever has to
 * survive the daemon is in the station's journal before anything is done about it. No I/O of its own, no clock of its
 * own.
 */
typedef struct RescueSupervisor RescueSupervisor;

/** What was written into the station's journal, or is only worth telling (`report`); borrowed. */
typedef void (*RescueSupervisorTold)(const RescueJson *line, void *data);

typedef struct {
	RescueLinePorts ports;
	RescueSupervisorTold told; /* may be NULL */
	void *data;
} RescueSupervisorSpec;

/** Takes layout and rules over (`rules` NULL: nothing is done to any phone). Caller owns. */
RescueSupervisor *rescue_supervisor_new(const RescueSupervisorSpec *spec, RescueLayout *layout,
					RescueIntakeRules *rules);
/** Accepts NULL. Jobs go on. */
void rescue_supervisor_free(RescueSupervisor *supervisor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueSupervisor, rescue_supervisor_free)
/** Borrowed. */
RescueStation *rescue_supervisor_station(RescueSupervisor *supervisor);
/** Who got which turn in the last round, and why the others wait (RescueTurn). Borrowed. */
const GPtrArray *rescue_supervisor_turns(const RescueSupervisor *supervisor);

/**
 * First of all: the lines of the station's journal (RescueJson), and the jobs that were running when the last one was
 * written are found again. `now_us` below is always the clock of the ports.
 */
void rescue_supervisor_recall(RescueSupervisor *supervisor, const GPtrArray *lines);
/** The lines by which all that counts now can be recalled, oldest first, RescueJson; caller owns. */
GPtrArray *rescue_supervisor_compact(const GPtrArray *lines);

/** A sighting: appeared, changed, or left (mode absent). */
void rescue_supervisor_see(RescueSupervisor *supervisor, const RescueDevice *device);
/** One line of the journal of this phone's job. False: it was heard before, from an earlier process of the job. */
bool rescue_supervisor_job_event(RescueSupervisor *supervisor, RescueEcid ecid,
				 const RescueJson *event);
/** Its process is gone; `words`: the last ones it had for people, or NULL. */
void rescue_supervisor_job_ended(RescueSupervisor *supervisor, RescueEcid ecid, const char *words);

/** What operators do; the words are those of rescue_supervisor_actions(). */
typedef struct {
	const char *action; /* "hold" */
	const char *label;  /* of the slot */
	const char *text;   /* what was scanned; the new label; NULL */
	const char *who;    /* for the journal; NULL: nobody knows */
} RescueSupervisorAct;

/** Journalled, then done. BAD_INPUT: what cannot be, and what to do instead; HOST_IO: the journal refuses. */
bool rescue_supervisor_act(RescueSupervisor *supervisor, const RescueSupervisorAct *act,
			   GError **error);
/** "hold, release, …"; static. */
const char *rescue_supervisor_actions(void);
/** Other files from now on; takes both over. */
void rescue_supervisor_reload(RescueSupervisor *supervisor, RescueLayout *layout,
			      RescueIntakeRules *rules);
/** No job begins any more; those that have begun go on. */
void rescue_supervisor_stop(RescueSupervisor *supervisor);

/** Does what follows from all that was told; monotonic time of the next call that is needed even if nothing happens. */
int64_t rescue_supervisor_turn(RescueSupervisor *supervisor);
/** Processes of jobs that run. */
unsigned rescue_supervisor_count_running(const RescueSupervisor *supervisor);
/** Why nothing is begun: the journal cannot be written. NULL: it can. Borrowed. */
const char *rescue_supervisor_trouble(const RescueSupervisor *supervisor);
