/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/json.h"
#include "core/line/health.h"
#include "core/line/intake.h"
#include "core/line/layout.h"

/*
 * The bench as it stands: what is plugged in where, and what becomes of it. The ECID is a phone's identity: its job and
 * its outcome follow it from port to port, and a phone that has passed is not restored again because somebody touched
 * its cable. Pure: sightings, events of jobs and operators' words go in with their time; what cannot be is reported.
 */

typedef enum {
#define RESCUE_SLOT_STATE(id, name, text) RESCUE_SLOT_##id,
#include "core/line/slot.def"
#undef RESCUE_SLOT_STATE
	RESCUE_SLOT_LAST
} RescueSlotState;

typedef enum {
#define RESCUE_SLOT_EVENT(id, text) RESCUE_SLOT_EVENT_##id,
#include "core/line/slot.def"
#undef RESCUE_SLOT_EVENT
	RESCUE_SLOT_EVENT_LAST
} RescueSlotEvent;

/** "needs-operator". */
const char *rescue_slot_state_name(RescueSlotState state);
/** False, and the output untouched, when there is no such word. */
bool rescue_slot_state_parse(const char *name, RescueSlotState *ret_state);
/** False, and `ret_to` untouched, for a move that cannot happen. Table: slot.def. */
bool rescue_slot_next(RescueSlotState from, RescueSlotEvent event, RescueSlotState *ret_to);

/** How far a job is, as the bus sees it. */
typedef enum {
	RESCUE_STAGE_NONE,      /* not started */
	RESCUE_STAGE_PREPARING, /* this computer's work: firmware, signature */
	RESCUE_STAGE_READY,     /* asks for its engine */
	RESCUE_STAGE_BOOTING,   /* boot loaders, restore system, up to the transfer */
	RESCUE_STAGE_ARRIVED,   /* asks for its transfer */
	RESCUE_STAGE_SENDING,   /* the system image goes over the bus */
	RESCUE_STAGE_AFTER,     /* everything behind it: hardly any traffic */
} RescueStage;

/** What a job's engine takes, as the job tells with its turns. 0: nothing, or not known yet. */
typedef struct {
	uint64_t image_bytes;   /* that go over the bus */
	uint64_t scratch_bytes; /* that its engine unpacks */
	bool old_engine;        /* one that opens its neighbours while it looks for its phone */
	bool holds;             /* its job asks for its transfer before it sends */
} RescueNeeds;

/** One phone, and its job. All strings owned. */
typedef struct {
	RescueDevice *device;
	RescueOwnership ownership;
	RescueSlotState state;
	/* what shares one bandwidth with its port: a bus, or one root port of it; 0: not known */
	unsigned domain;
	size_t port;  /* where it is, or was last; RESCUE_PORT_NONE: never on a port of the line */
	bool present; /* it is on the bus now */
	int64_t since_us; /* of this state */
	int64_t left_us;
	int64_t answer_us; /* until then its answer is waited for, who it is; 0: it is not */
	char *scan;
	char *why;    /* one sentence: why it is in this state, or what to do */
	char *prompt; /* what a person is to do, in the words of the job or rule; NULL: see `why` */
	int64_t prompt_us; /* until when; 0: there is time */
	char *rule, *ipsw, *policy;
	RescueBehavior behavior;
	RescueWish wish;
	char *job;             /* id; NULL: none was started */
	bool alive;            /* the process of the job runs */
	unsigned losses;       /* processes that ended without a word */
	unsigned attempt;      /* the engine's run that was told last; 0: none */
	RescueFailure failure; /* that the job told last; NONE */
	bool troubled;         /* the job had trouble on this port, and that was counted */
	bool hurry;            /* its job has begun and nobody supervises it: it goes on at once */
	bool touched;   /* something changed that a daemon has to know which is started again */
	unsigned turn;  /* number of the turn that its job asked for last */
	uint64_t heard; /* number of the event of its job that came last; 0: none, or it has none */
	uint64_t counted; /* events of its job up to this one have been counted for health */
	RescueNeeds needs;
	RescueStage stage;
	RescuePhase phase;
	double fraction;
	int64_t stage_us;    /* since when it is in this stage */
	uint64_t sent_bytes; /* of the image */
	int64_t sent_us;     /* when that was told */
	uint64_t mark_bytes; /* the same where a measurement of the bus began */
	int64_t mark_us;
} RescueTicket;

/** A process of a job may end so often without a word before the job counts as failed. */
#define RESCUE_STATION_LOSSES 3u

typedef struct RescueStation RescueStation;

/** Both are borrowed and outlive the station; `rules` NULL: nothing is done to any phone. Caller owns. */
RescueStation *rescue_station_new(const RescueLayout *layout, const RescueIntakeRules *rules);
/** Accepts NULL. */
void rescue_station_free(RescueStation *station);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueStation, rescue_station_free)
/** The root hubs of this computer (RescueUsbBus); takes the array over. */
void rescue_station_take_buses(RescueStation *station, GPtrArray *buses);
const GPtrArray *rescue_station_buses(const RescueStation *station);
const RescueLayout *rescue_station_layout(const RescueStation *station);
/** Other rules from now on: for phones that have no job yet. */
void rescue_station_set_rules(RescueStation *station, const RescueIntakeRules *rules,
			      int64_t now_us);

/**
 * Asks the rules about phones that have not said in time who they are; when to look again, INT64_MAX: no need.
 */
int64_t rescue_station_settle(RescueStation *station, int64_t now_us);
/** Another bench from now on: phones stay on the ports with the same labels. Borrowed. */
void rescue_station_set_layout(RescueStation *station, const RescueLayout *layout, int64_t now_us);

/**
 * A sighting: appeared, changed, or left (mode absent). What it tells anew of its owner has the rules asked again where
 * no job has begun.
 */
void rescue_station_see(RescueStation *station, const RescueDevice *device, int64_t now_us);
/** The process of a job runs: started, or found again by a daemon that was restarted. */
void rescue_station_started(RescueStation *station, RescueEcid ecid, const char *job,
			    int64_t now_us);
/** Its wish to go on was granted: the engine, or the transfer. */
void rescue_station_granted(RescueStation *station, RescueEcid ecid, int64_t now_us);
/** One line of a job's event stream. Known by its ECID and job id; others are reported. */
void rescue_station_job_event(RescueStation *station, const RescueJson *event, int64_t now_us);
/** The process of a job is gone. After `done` that is expected; before, the job is queued again, a few times. */
void rescue_station_job_ended(RescueStation *station, RescueEcid ecid, int64_t now_us);
/** The same, when it ended together with this computer or its daemon: nobody is to blame. */
void rescue_station_job_interrupted(RescueStation *station, RescueEcid ecid, int64_t now_us);
/** One sentence: why it is in its state. */
void rescue_station_set_why(RescueStation *station, RescueEcid ecid, const char *why);
/** Forgets phones that left longer ago than the layout remembers; never one with a job that runs. */
void rescue_station_forget(RescueStation *station, int64_t now_us);

/* What operators do, to the slot with a label. On failure a sentence that says what to do instead (BAD_INPUT). */
bool rescue_station_hold(RescueStation *station, const char *label, int64_t now_us, GError **error);
bool rescue_station_release(RescueStation *station, const char *label, int64_t now_us,
			    GError **error);
/** A phone once more, or a port that was out of use. */
bool rescue_station_retest(RescueStation *station, const char *label, int64_t now_us,
			   GError **error);
/** Binds a scanned number to the phone there, or to the next one that comes. */
bool rescue_station_scan(RescueStation *station, const char *label, const char *text,
			 int64_t now_us, GError **error);

/** What the slot of a port shows. */
RescueSlotState rescue_station_slot(const RescueStation *station, size_t port);
/** The phone that the slot of a port shows; NULL. Borrowed. */
const RescueTicket *rescue_station_phone(const RescueStation *station, size_t port);
/** All phones that are remembered, RescueTicket; borrowed. */
const GPtrArray *rescue_station_tickets(const RescueStation *station);
const RescueTicket *rescue_station_find(const RescueStation *station, RescueEcid ecid);
const RescueHealth *rescue_station_health(const RescueStation *station);
/*
 * The station's memory, across restarts of its daemon. Lines without number and time: who writes them adds both.
 */
/** What has happened since the last call that is to be kept, RescueJson in order. Caller owns. */
GPtrArray *rescue_station_take_lines(RescueStation *station);
/** A line as it was taken once, at `then_us`; in order, before anything else happens. Jobs are then queued. */
void rescue_station_recall(RescueStation *station, const RescueJson *line, int64_t then_us,
			   int64_t now_us);
/** That was the last line. */
void rescue_station_recalled(RescueStation *station);
/** The line of a phone whose job of this id is about to be started, to be written before. Caller owns. */
RescueJson *rescue_station_describe_start(RescueStation *station, const RescueTicket *ticket,
					  const char *job);
/** It could not be written: the next line of this phone is needed in any case. */
void rescue_station_keep_again(RescueStation *station, RescueEcid ecid);
/** The port has another label now: what is kept of it and of its phones says the new one. */
void rescue_station_touch_port(RescueStation *station, const char *label);
/** For renaming only. Borrowed. */
RescueHealth *rescue_station_edit_health(RescueStation *station);

/** What was told and cannot be, one sentence each; NULL-terminated, emptied by this. Caller frees. */
char **rescue_station_take_reports(RescueStation *station);
