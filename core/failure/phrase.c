/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/failure/phrase.h"

#include "core/failure/finder.h"
#include "core/failure/pattern.h"

typedef struct {
	const char *pattern;
	RescuePhase phase;
} Checkpoint;

typedef struct {
	const char *pattern, *domain;
} Number;

typedef struct {
	const char *pattern;
	RescueFact fact;
} Fact;

typedef struct {
	const char *pattern;
	RescueDialect dialect;
} Voice;

static const RescueMarker markers[] = {
#define RESCUE_MARKER(dialect, text, phase_id, effect_id) \
	{ RESCUE_SPEECH_##dialect, text, RESCUE_PHASE_##phase_id, RESCUE_MARK_##effect_id },
#include "core/failure/marker.def"
#undef RESCUE_MARKER
};

#define ROW(dialect, text, id, phase_id, how_telling, effect_id, kind, of, number) \
	{ RESCUE_SPEECH_##dialect, text,        RESCUE_FAILURE_##id,               \
	  RESCUE_PHASE_##phase_id, how_telling, RESCUE_EFFECT_##effect_id,         \
	  RESCUE_NUMBER_##kind,    of,          number },
#define RESCUE_SIGNATURE(dialect, text, id, phase_id, how_telling, effect_id) \
	ROW(dialect, text, id, phase_id, how_telling, effect_id, NONE, NULL, 0)
#define RESCUE_NUMBERED(dialect, text, of, id, phase_id, how_telling, effect_id) \
	ROW(dialect, text, id, phase_id, how_telling, effect_id, READ, of, 0)
#define RESCUE_STATUS(dialect, text, number, id, phase_id, how_telling, effect_id) \
	ROW(dialect, text, id, phase_id, how_telling, effect_id, FIXED, "restored", number)
static const RescueSignature signatures[] = {
#include "core/failure/relative.def"
#include "core/failure/signature.def"
#include "core/failure/vague.def"
};
#undef RESCUE_SIGNATURE
#undef RESCUE_NUMBERED
#undef RESCUE_STATUS
#undef ROW

static const Checkpoint checkpoints[] = {
#define RESCUE_CHECKPOINT(text, phase_id) { text, RESCUE_PHASE_##phase_id },
#include "core/failure/checkpoint.def"
#undef RESCUE_CHECKPOINT
};

static const Number numbers[] = {
#define RESCUE_NUMBER(text, of) { text, of },
#include "core/failure/number.def"
#undef RESCUE_NUMBER
};

static const Fact facts[] = {
#define RESCUE_FACT(id, text)     { text, RESCUE_FACT_##id },
#define RESCUE_FACT_TOO(id, text) { text, RESCUE_FACT_##id },
#include "core/failure/fact.def"
#undef RESCUE_FACT
#undef RESCUE_FACT_TOO
};

static const Voice voices[] = {
#define RESCUE_DIALECT(id, tool, name)
#define RESCUE_VOICE(id, text) { text, RESCUE_DIALECT_##id },
#include "core/failure/dialect.def"
#undef RESCUE_DIALECT
#undef RESCUE_VOICE
};

/* where each table begins in the one list of patterns */
enum {
	FIRST_SIGNATURE = 0,
	FIRST_MARKER = FIRST_SIGNATURE + G_N_ELEMENTS(signatures),
	FIRST_CHECKPOINT = FIRST_MARKER + G_N_ELEMENTS(markers),
	FIRST_NUMBER = FIRST_CHECKPOINT + G_N_ELEMENTS(checkpoints),
	FIRST_FACT = FIRST_NUMBER + G_N_ELEMENTS(numbers),
	FIRST_VOICE = FIRST_FACT + G_N_ELEMENTS(facts),
	PATTERNS = FIRST_VOICE + G_N_ELEMENTS(voices),
};

struct RescuePhrases {
	RescueFinder *finder;
	const char *message;
	const char *patterns[PATTERNS];
};

#define LIST(first, table)                                            \
	do {                                                          \
		for (size_t i = 0; i < G_N_ELEMENTS(table); i++)      \
			self->patterns[first + i] = table[i].pattern; \
	} while (0)

RescuePhrases *
rescue_phrases_new(void)
{
	RescuePhrases *self = g_new0(RescuePhrases, 1);
	LIST(FIRST_SIGNATURE, signatures);
	LIST(FIRST_MARKER, markers);
	LIST(FIRST_CHECKPOINT, checkpoints);
	LIST(FIRST_NUMBER, numbers);
	LIST(FIRST_FACT, facts);
	LIST(FIRST_VOICE, voices);
	self->finder = rescue_finder_new(self->patterns, PATTERNS);
	return self;
}

void
rescue_phrases_free(RescuePhrases *phrases)
{
	if (phrases == NULL)
		return;
	rescue_finder_free(phrases->finder);
	g_free(phrases);
}

void
rescue_phrases_look(RescuePhrases *phrases, const char *message)
{
	phrases->message = message;
	rescue_finder_look(phrases->finder, message);
}

/* the next pattern of [from, end) that matches the message; `end`: none does */
static size_t
next_match(const RescuePhrases *self, size_t from, size_t end, int64_t *ret_value)
{
	size_t i = from;
	while ((i = rescue_finder_next(self->finder, i)) < end) {
		if (rescue_pattern_match(self->patterns[i], self->message, ret_value))
			return i;
		i++;
	}
	return end;
}

const RescueSignature *
rescue_phrases_signature(const RescuePhrases *phrases, unsigned speech, unsigned fatal_speech,
			 int64_t *ret_value)
{
	size_t i = FIRST_SIGNATURE;
	while ((i = next_match(phrases, i, FIRST_MARKER, ret_value)) < FIRST_MARKER) {
		const RescueSignature *signature = &signatures[i++ - FIRST_SIGNATURE];
		unsigned heard = signature->effect != RESCUE_EFFECT_NONE ? speech | fatal_speech
									 : speech;
		if ((signature->speech & heard) != 0)
			return signature;
	}
	return NULL;
}

const RescueMarker *
rescue_phrases_marker(const RescuePhrases *phrases, unsigned speech)
{
	size_t i = FIRST_MARKER;
	while ((i = next_match(phrases, i, FIRST_CHECKPOINT, NULL)) < FIRST_CHECKPOINT) {
		const RescueMarker *marker = &markers[i++ - FIRST_MARKER];
		if ((marker->speech & speech) != 0)
			return marker;
	}
	return NULL;
}

RescuePhase
rescue_phrases_checkpoint(const RescuePhrases *phrases)
{
	size_t i = next_match(phrases, FIRST_CHECKPOINT, FIRST_NUMBER, NULL);
	return i < FIRST_NUMBER ? checkpoints[i - FIRST_CHECKPOINT].phase : RESCUE_PHASE_SAME;
}

const char *
rescue_phrases_number(const RescuePhrases *phrases, int64_t *ret_value)
{
	size_t i = next_match(phrases, FIRST_NUMBER, FIRST_FACT, ret_value);
	return i < FIRST_FACT ? numbers[i - FIRST_NUMBER].domain : NULL;
}

uint32_t
rescue_phrases_facts(const RescuePhrases *phrases)
{
	uint32_t mask = 0;
	size_t i = FIRST_FACT;
	while ((i = next_match(phrases, i, FIRST_VOICE, NULL)) < FIRST_VOICE)
		mask |= UINT32_C(1) << facts[i++ - FIRST_FACT].fact;
	return mask;
}

RescueDialect
rescue_phrases_dialect(const RescuePhrases *phrases)
{
	size_t i = next_match(phrases, FIRST_VOICE, PATTERNS, NULL);
	return i < PATTERNS ? voices[i - FIRST_VOICE].dialect : RESCUE_DIALECT_UNKNOWN;
}

const char *
rescue_phrases_pattern(RescueFailure failure, size_t n)
{
	for (size_t i = 0; i < G_N_ELEMENTS(signatures); i++) {
		if (signatures[i].failure == failure && n-- == 0)
			return signatures[i].pattern;
	}
	return NULL;
}
