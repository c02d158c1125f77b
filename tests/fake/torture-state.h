/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "tests/fake/torture.h"

/* What the torture knows; private to tests/fake. */

/* What a reader of the events knows by now. */
typedef struct {
	char *step;  /* the open one; NULL: none */
	char *last;  /* the name of the last event; NULL: none */
	bool remedy; /* one is begun and not ended */
	bool ending; /* of the present engine */
	bool done;
	bool after_done; /* something followed */
	int64_t seq;
	bool gap;      /* numbers are missing */
	bool disorder; /* or come twice, or back to front */
} RescueTortureReader;

struct RescueTorture {
	RescueTortureSpec spec;
	RescueBehavior behavior;
	RescueEcid ecid;
	const RescuePolicy *policy;
	RescuePorts real;
	unsigned calls[RESCUE_TORTURE_SLOTS];
	bool struck;
	RescueTortureReader journal, told;
	GPtrArray *events; /* RescueJson, of the journal */
	GQueue pending;    /* RescueObservation: seen while a call took its time */
	RescueClock clock; /* of the world, and of a supervisor that is dead */
	int64_t started_us, ghost_us, lost_us; /* lost: in calls that took their whole deadline */
	unsigned waits;
	bool dead, mute, engine_runs, busy;
	RescueMode last_mode;
	char *outcome; /* of the done event */
	char *breach;
};

/** Counts the call and holds it against the journal; what goes wrong with it. Time passes for a TIMEOUT. */
RescueTortureFault rescue_torture_strike(RescueTorture *torture, RescueTortureSlot slot);
/** False, with what the slot reports for this fault. */
bool rescue_torture_fail(RescueTortureSlot slot, RescueTortureFault fault, GError **error);
/** Lets the world go on for so long; what is seen waits. */
void rescue_torture_pass(RescueTorture *torture, int64_t ms);
/** What the world shows next; a silenced engine says nothing. Caller owns. */
RescueObservation *rescue_torture_look(RescueTorture *torture, int64_t deadline_us);
/** A rule is broken; the first one stays. */
void rescue_torture_breach(RescueTorture *torture, const char *rule, const char *detail);
/** Takes note of an event. */
void rescue_torture_read(RescueTortureReader *reader, const RescueJson *event);
/** The job of somebody else, or something that it has not consented to. */
void rescue_torture_check_job(RescueTorture *torture, RescueEcid ecid, RescueBehavior behavior);
/** The supervisor is no more. */
void rescue_torture_die(RescueTorture *torture);
/** Puts itself before the ports. */
void rescue_torture_take_ports(RescueTorture *torture, RescuePorts *ports);
