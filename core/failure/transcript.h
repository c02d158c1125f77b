/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/failure/failure.h"

/*
 * Reads what a restore engine writes, line by line, live or from a file, in bounded memory: which step it is in, how
 * far, and which telling lines it has written. Pure: no file, no clock. Markers (line → phase) are in marker.def,
 * telling lines (line → failure) in signature.def; both by dialect.
 */
typedef struct RescueTranscript RescueTranscript;

/** Who wrote it. Table in dialect.def; those of idevicerestore itself can be told beforehand. */
typedef enum {
#define RESCUE_DIALECT(id, tool, name) RESCUE_DIALECT_##id,
#define RESCUE_VOICE(id, text)
#include "core/failure/dialect.def"
#undef RESCUE_DIALECT
#undef RESCUE_VOICE
	RESCUE_DIALECT_LAST
} RescueDialect;

/** What lines mention by the way; table in fact.def. */
typedef enum {
#define RESCUE_FACT(id, text) RESCUE_FACT_##id,
#define RESCUE_FACT_TOO(id, text)
#include "core/failure/fact.def"
#undef RESCUE_FACT
#undef RESCUE_FACT_TOO
	RESCUE_FACT_LAST
} RescueFact;

/** A telling line. */
typedef struct {
	RescueFailure failure;
	RescuePhase phase;  /* the step that was active */
	size_t number;      /* from 1 */
	unsigned weight;    /* how telling: a cause outweighs its consequences */
	bool fatal;         /* the engine run cannot succeed after it */
	const char *domain; /* of the number in the line; NULL: it has none */
	int64_t value;
	char *text;
} RescueHit;

RescueTranscript *rescue_transcript_new(RescueDialect dialect);
void rescue_transcript_free(RescueTranscript *transcript);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueTranscript, rescue_transcript_free)

/** One line without its newline. */
void rescue_transcript_feed(RescueTranscript *transcript, const char *line);
/** More of the same line: a message that overwrote it on a terminal, the next piece of an endless one. */
void rescue_transcript_continue(RescueTranscript *transcript, const char *piece);
/** True when such a line was there; of leaving the bus: while the restore service ran. */
bool rescue_transcript_has_fact(const RescueTranscript *transcript, RescueFact fact);
/** UNKNOWN when made so and no line told it yet. */
RescueDialect rescue_transcript_dialect(const RescueTranscript *transcript);
const char *rescue_dialect_name(RescueDialect dialect);
/** The program that writes in this dialect: "idevicerestore". */
const char *rescue_dialect_tool(RescueDialect dialect);
/** The step that is active by the last marker. */
RescuePhase rescue_transcript_phase(const RescueTranscript *transcript);
/** 0 to 1 within the active step, negative when not known. */
double rescue_transcript_fraction(const RescueTranscript *transcript);
/** Grows with every sign of life that counts as progress: a new step, a new fraction, a component sent. */
uint64_t rescue_transcript_marks(const RescueTranscript *transcript);
/** "Status: Restore Finished" was there and nothing took it back. Not the verdict: the phone must be seen booted. */
bool rescue_transcript_says_restored(const RescueTranscript *transcript);
/** A line was there after which this engine run cannot succeed any more, although the engine may linger. */
bool rescue_transcript_says_failed(const RescueTranscript *transcript);
/** The device has been told to make new file systems: its former data are gone. */
bool rescue_transcript_says_erased(const RescueTranscript *transcript);
/** It was about to send the system image, at least once: nothing of it has gone before that. */
bool rescue_transcript_sends_image(const RescueTranscript *transcript);
/** What the engine waits for, by its last marker: a device that has got what it is to start. */
typedef enum {
	RESCUE_AWAITS_NOTHING,
	RESCUE_AWAITS_LEAVING, /* it was told to go, and shall leave the bus */
	RESCUE_AWAITS_RETURN,  /* it has left, and shall come back */
} RescueAwaited;
RescueAwaited rescue_transcript_awaits(const RescueTranscript *transcript);
/** RescueHit, in order, at most some hundred; borrowed. */
const GPtrArray *rescue_transcript_hits(const RescueTranscript *transcript);
/** RescueProof of core/failure/proof.h, in order, at most some dozen; borrowed. */
const GPtrArray *rescue_transcript_proofs(const RescueTranscript *transcript);
size_t rescue_transcript_line_count(const RescueTranscript *transcript);
/** The nth pattern of signature.def that tells this failure, NULL beyond the last. Static. */
const char *rescue_transcript_pattern(RescueFailure failure, size_t n);
