/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "core/failure/transcript.h"

/* The tables of telling text (marker.def, signature.def, …), as transcript.c reads them: in one pass over a line. */

/** Who says it: a mask. */
enum {
	RESCUE_SPEECH_OLD = 1 << 0,
	RESCUE_SPEECH_NEW = 1 << 1,
	RESCUE_SPEECH_DEVICE = 1 << 2,   /* the device's own log */
	RESCUE_SPEECH_RELATIVE = 1 << 3, /* other tools, kernel, shell: in pasted logs only */
	RESCUE_SPEECH_ANY = RESCUE_SPEECH_OLD | RESCUE_SPEECH_NEW,
};

typedef enum {
	RESCUE_MARK_NONE,
	RESCUE_MARK_ERASE,
	RESCUE_MARK_SENDS,
	RESCUE_MARK_UPDATE,
	RESCUE_MARK_FINISHED,
	RESCUE_MARK_PASSED,
	RESCUE_MARK_OLD_LOG,
	RESCUE_MARK_LOG,
	RESCUE_MARK_MUTE,
	RESCUE_MARK_LEAVES,
	RESCUE_MARK_RETURNS,
} RescueMarkEffect;

typedef enum { RESCUE_EFFECT_NONE, RESCUE_EFFECT_FATAL, RESCUE_EFFECT_UNDO } RescueEffect;

/* phases of the tables that are no phases */
#define RESCUE_PHASE_SAME   RESCUE_PHASE_LAST
#define RESCUE_PHASE_ACTIVE RESCUE_PHASE_LAST

typedef struct {
	unsigned speech;
	const char *pattern;
	RescuePhase phase;
	RescueMarkEffect effect;
} RescueMarker;

typedef enum { RESCUE_NUMBER_NONE, RESCUE_NUMBER_FIXED, RESCUE_NUMBER_READ } RescueNumberKind;

typedef struct {
	unsigned speech;
	const char *pattern;
	RescueFailure failure;
	RescuePhase phase;
	unsigned weight;
	RescueEffect effect;
	RescueNumberKind number;
	const char *domain;
	int64_t value;
} RescueSignature;

/** All tables, and what of them one message may hold. */
typedef struct RescuePhrases RescuePhrases;

RescuePhrases *rescue_phrases_new(void);
void rescue_phrases_free(RescuePhrases *phrases);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescuePhrases, rescue_phrases_free)

/** Looks through a message; the functions below speak of the last one. `message` is borrowed until the next. */
void rescue_phrases_look(RescuePhrases *phrases, const char *message);
/** The first telling line of one of these speeches, NULL: none. A fatal one may also be of `fatal_speech`. */
const RescueSignature *rescue_phrases_signature(const RescuePhrases *phrases, unsigned speech,
						unsigned fatal_speech, int64_t *ret_value);
/** The first sign of a step, NULL: none. */
const RescueMarker *rescue_phrases_marker(const RescuePhrases *phrases, unsigned speech);
/** The step that a checkpoint of the device belongs to; SAME: no checkpoint, or one that tells nothing. */
RescuePhase rescue_phrases_checkpoint(const RescuePhrases *phrases);
/** A number of somebody's domain: the domain, NULL: none. */
const char *rescue_phrases_number(const RescuePhrases *phrases, int64_t *ret_value);
/** The facts in it, as a mask of 1 << RescueFact. */
uint32_t rescue_phrases_facts(const RescuePhrases *phrases);
/** Which program writes like this; UNKNOWN: not told. */
RescueDialect rescue_phrases_dialect(const RescuePhrases *phrases);
/** The nth pattern of signature.def that tells this failure, NULL beyond the last. Static. */
const char *rescue_phrases_pattern(RescueFailure failure, size_t n);
