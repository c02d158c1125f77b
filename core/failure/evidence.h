/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/json.h"
#include "core/failure/failure.h"
#include "core/failure/host.h"
#include "core/failure/transcript.h"
#include "core/model/mode.h"

/** One change of the device's mode while a step was active. */
typedef struct {
	RescueMode mode;
	RescuePhase phase;
} RescueModeChange;

/** Why an engine run ended. */
typedef enum {
	RESCUE_END_NOT_RUN,     /* it broke before the engine started */
	RESCUE_END_EXITED,      /* by itself, with a status */
	RESCUE_END_SIGNAL,      /* it crashed */
	RESCUE_END_PATIENCE,    /* we ended it: no progress */
	RESCUE_END_MODE,        /* we ended it: the device went where no success can come from */
	RESCUE_END_SAID_FAILED, /* we ended it: it had said that it failed, and lingered */
	RESCUE_END_STOPPED,     /* we ended it: somebody asked us to */
	RESCUE_END_UNSEEN,      /* there is only its log: nobody of ours was there */
} RescueEngineEnd;

/** Everything that was observed of one attempt, from every source. */
typedef struct {
	RescueTranscript *transcript; /* NULL when the engine did not run */
	RescuePhase phase;            /* the step that was active when it broke */
	GError *error; /* of a step of ours that failed, with a RescueFailure as code; or NULL */
	GArray *modes; /* RescueModeChange, in order */
	RescueEngineEnd end;
	int exit_status, exit_signal;
	RescueMode mode; /* of the device now */
	/* the last that was heard of the signing server, by the probe or the relay; NONE: it signed, or nobody asked */
	RescueFailure signing;
	int signing_status; /* STATUS of the server that goes with it, minus its HTTP status, 0: none */
	bool left_bus;      /* the device left the bus in a step in which it should not */
	bool boot_seen;     /* it was seen in normal mode after the engine had finished */
	char *build_seen; /* the build that it then reported */
	GPtrArray *host;  /* RescueHostFact: what was found on this computer; NULL: nobody looked */
} RescueEvidence;

RescueEvidence *rescue_evidence_new(void);
void rescue_evidence_free(RescueEvidence *evidence);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueEvidence, rescue_evidence_free)
/** Notes a mode change in the active step. */
void rescue_evidence_add_mode(RescueEvidence *evidence, RescueMode mode);

/** The judgement: the first candidate is the failure, the others are alternatives. */
typedef struct {
	RescueFailure failure;
	RescuePhase phase;
	RescueConfidence confidence;
	GPtrArray *proof;     /* RescueHit copies */
	GArray *codes;        /* RescueCode found in the evidence or belonging to the failure */
	GArray *alternatives; /* RescueFailure */
	RescueDialect dialect;
	char *sentence; /* for people: what happened, where */
} RescueVerdict;

/** Root cause before consequences. Pure; never NULL. Caller owns. */
RescueVerdict *rescue_classify(const RescueEvidence *evidence);
void rescue_verdict_free(RescueVerdict *verdict);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueVerdict, rescue_verdict_free)
/** The diagnose object of the contract, without v and input; remedies are added by core/remedy. Caller owns. */
RescueJson *rescue_verdict_to_json(const RescueVerdict *verdict);
