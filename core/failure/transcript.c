/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/failure/transcript.h"

#include <string.h>

#include "core/failure/line.h"
#include "core/failure/pattern.h"

#define MAX_HITS    256
#define MAX_MATCHED 2048 /* so many bytes of a line are looked at */
#define MAX_TEXT    400  /* so many are kept of a telling one */

enum {
	SPEECH_OLD = 1 << 0,
	SPEECH_NEW = 1 << 1,
	SPEECH_DEVICE = 1 << 2, /* the device's own log */
	SPEECH_ANY = SPEECH_OLD | SPEECH_NEW,
};

typedef enum { QUOTE_NONE, QUOTE_OLD_LOG, QUOTE_LOG } Quote;

typedef enum {
	MARK_NONE,
	MARK_ERASE,
	MARK_UPDATE,
	MARK_FINISHED,
	MARK_PASSED,
	MARK_OLD_LOG,
	MARK_LOG,
	MARK_MUTE,
	MARK_LEAVES,
	MARK_RETURNS,
} MarkEffect;

typedef enum { EFFECT_NONE, EFFECT_FATAL, EFFECT_UNDO } Effect;

/* phases of the tables that are no phases */
#define RESCUE_PHASE_SAME   RESCUE_PHASE_LAST
#define RESCUE_PHASE_ACTIVE RESCUE_PHASE_LAST

typedef struct {
	unsigned speech;
	const char *pattern;
	RescuePhase phase;
	MarkEffect effect;
} Marker;

typedef enum { NUMBER_NONE, NUMBER_FIXED, NUMBER_READ } NumberKind;

typedef struct {
	unsigned speech;
	const char *pattern;
	RescueFailure failure;
	RescuePhase phase;
	unsigned weight;
	Effect effect;
	NumberKind number;
	const char *domain;
	int64_t value;
} Signature;

static const Marker markers[] = {
#define RESCUE_MARKER(dialect, text, phase_id, effect_id) \
	{ SPEECH_##dialect, text, RESCUE_PHASE_##phase_id, MARK_##effect_id },
#include "core/failure/marker.def"
#undef RESCUE_MARKER
};

static const Signature signatures[] = {
#define RESCUE_SIGNATURE(dialect, text, id, phase_id, how_telling, effect_id) \
	{ SPEECH_##dialect,                                                   \
	  text,                                                               \
	  RESCUE_FAILURE_##id,                                                \
	  RESCUE_PHASE_##phase_id,                                            \
	  how_telling,                                                        \
	  EFFECT_##effect_id,                                                 \
	  NUMBER_NONE,                                                        \
	  NULL,                                                               \
	  0 },
#define RESCUE_NUMBERED(dialect, text, of, id, phase_id, how_telling, effect_id) \
	{ SPEECH_##dialect,                                                      \
	  text,                                                                  \
	  RESCUE_FAILURE_##id,                                                   \
	  RESCUE_PHASE_##phase_id,                                               \
	  how_telling,                                                           \
	  EFFECT_##effect_id,                                                    \
	  NUMBER_READ,                                                           \
	  of,                                                                    \
	  0 },
#define RESCUE_STATUS(dialect, text, number, id, phase_id, how_telling, effect_id) \
	{ SPEECH_##dialect,                                                        \
	  text,                                                                    \
	  RESCUE_FAILURE_##id,                                                     \
	  RESCUE_PHASE_##phase_id,                                                 \
	  how_telling,                                                             \
	  EFFECT_##effect_id,                                                      \
	  NUMBER_FIXED,                                                            \
	  "restored",                                                              \
	  number },
#include "core/failure/signature.def"
#undef RESCUE_SIGNATURE
#undef RESCUE_NUMBERED
#undef RESCUE_STATUS
};

struct RescueTranscript {
	RescueAwaited awaits;
	RescueDialect dialect;
	RescuePhase phase;
	double fraction;
	RescueLineProgress last_progress;
	uint64_t marks;
	char *last_mark; /* a line that only repeats is no progress */
	Quote quote;
	bool restored, failed, erased, keeps_data;
	bool have_status;
	int status;
	GPtrArray *hits;
	size_t lines;
};

static void
hit_free(gpointer data)
{
	RescueHit *hit = data;
	g_free(hit->text);
	g_free(hit);
}

RescueTranscript *
rescue_transcript_new(RescueDialect dialect)
{
	RescueTranscript *self = g_new0(RescueTranscript, 1);
	self->dialect = dialect;
	self->fraction = -1;
	self->last_progress.step = -1;
	self->last_progress.fraction = -1;
	self->hits = g_ptr_array_new_with_free_func(hit_free);
	return self;
}

void
rescue_transcript_free(RescueTranscript *transcript)
{
	if (transcript == NULL)
		return;
	g_free(transcript->last_mark);
	g_ptr_array_unref(transcript->hits);
	g_free(transcript);
}

/* whose messages count at the moment */
static unsigned
audible(const RescueTranscript *self)
{
	if (self->quote == QUOTE_OLD_LOG)
		return 0;
	if (self->quote == QUOTE_LOG)
		return SPEECH_DEVICE;
	if (self->dialect == RESCUE_DIALECT_1_0_0)
		return SPEECH_OLD;
	if (self->dialect == RESCUE_DIALECT_1_0_1)
		return SPEECH_NEW;
	return SPEECH_ANY | SPEECH_DEVICE;
}

static void
learn_dialect(RescueTranscript *self, unsigned speech)
{
	if (self->dialect != RESCUE_DIALECT_UNKNOWN)
		return;
	if (speech == SPEECH_OLD)
		self->dialect = RESCUE_DIALECT_1_0_0;
	else if (speech == SPEECH_NEW)
		self->dialect = RESCUE_DIALECT_1_0_1;
}

static void
set_phase(RescueTranscript *self, RescuePhase phase)
{
	if (phase == RESCUE_PHASE_SAME || phase == self->phase)
		return;
	self->phase = phase;
	self->fraction = -1;
}

static void
note_progress(RescueTranscript *self, const RescueLineProgress *progress)
{
	/* the engine's steps; those that span several of our phases, or run beside them, tell no fraction */
	static const RescuePhase steps[] = {
		RESCUE_PHASE_UNKNOWN,           RESCUE_PHASE_UNKNOWN, RESCUE_PHASE_FILESYSTEM,
		RESCUE_PHASE_VERIFY_FILESYSTEM, RESCUE_PHASE_NOR,     RESCUE_PHASE_BASEBAND,
		RESCUE_PHASE_FIRMWARE_UPDATES,
	};
	bool ours = progress->step < 0 || (progress->step < (int)G_N_ELEMENTS(steps) &&
					   steps[progress->step] == self->phase);
	if (ours && self->phase != RESCUE_PHASE_UNKNOWN)
		self->fraction = progress->fraction;
	if (progress->step == self->last_progress.step &&
	    progress->fraction == self->last_progress.fraction)
		return;
	self->last_progress = *progress;
	self->marks++;
}

/* keeps the most telling ones when there are too many: the real cause is often followed by a flood */
static void
add_hit(RescueTranscript *self, RescueHit *hit)
{
	if (self->hits->len >= MAX_HITS) {
		guint least = 0;
		for (guint i = 1; i < self->hits->len; i++) {
			const RescueHit *a = g_ptr_array_index(self->hits, i);
			const RescueHit *b = g_ptr_array_index(self->hits, least);
			if (a->weight <= b->weight)
				least = i;
		}
		const RescueHit *loser = g_ptr_array_index(self->hits, least);
		if (loser->weight >= hit->weight) {
			hit_free(hit);
			return;
		}
		g_ptr_array_remove_index(self->hits, least);
	}
	g_ptr_array_add(self->hits, hit);
}

static bool
repeats_last_hit(const RescueTranscript *self, const RescueHit *hit)
{
	if (self->hits->len == 0)
		return false;
	const RescueHit *last = g_ptr_array_index(self->hits, self->hits->len - 1);
	return last->failure == hit->failure && strcmp(last->text, hit->text) == 0;
}

static RescueHit *
new_hit(const RescueTranscript *self, const Signature *signature, int64_t value,
	const char *message)
{
	g_autofree char *cut = g_strndup(message, strnlen(message, MAX_TEXT));
	RescueHit *hit = g_new0(RescueHit, 1);
	hit->failure = signature->failure;
	hit->phase = signature->phase == RESCUE_PHASE_ACTIVE ? self->phase : signature->phase;
	hit->number = self->lines;
	hit->weight = signature->weight;
	hit->fatal = signature->effect != EFFECT_NONE;
	hit->text = g_utf8_make_valid(cut, -1);
	if (signature->number != NUMBER_NONE) {
		hit->domain = signature->domain;
		hit->value = value;
		(void)rescue_failure_from_code(hit->domain, value,
					       &hit->failure); /* else the table's own */
	}
	return hit;
}

static void
note_effect(RescueTranscript *self, Effect effect)
{
	if (effect == EFFECT_UNDO)
		self->restored = false;
	if (effect != EFFECT_NONE && !self->restored)
		self->failed = true;
}

static void
note_status(RescueTranscript *self, const RescueHit *hit)
{
	if (self->have_status || g_strcmp0(hit->domain, "restored") != 0 ||
	    ABS(hit->value) > G_MAXINT)
		return;
	self->have_status = true;
	self->status = (int)hit->value;
}

/* the engine's own last words are heard even inside a quoted log, and end it */
static bool
applies(const RescueTranscript *self, const Signature *signature)
{
	unsigned engine = self->dialect == RESCUE_DIALECT_1_0_0   ? SPEECH_OLD
			  : self->dialect == RESCUE_DIALECT_1_0_1 ? SPEECH_NEW
								  : SPEECH_ANY;
	if (signature->effect != EFFECT_NONE && (signature->speech & engine) != 0)
		return true;
	return (signature->speech & audible(self)) != 0;
}

static bool
note_signature(RescueTranscript *self, const char *message)
{
	for (size_t i = 0; i < G_N_ELEMENTS(signatures); i++) {
		const Signature *signature = &signatures[i];
		int64_t value = signature->value;
		if (!applies(self, signature) ||
		    !rescue_pattern_match(signature->pattern, message, &value))
			continue;
		if (signature->failure == RESCUE_FAILURE_NONE)
			return true;
		RescueHit *hit = new_hit(self, signature, value, message);
		note_status(self, hit);
		if (repeats_last_hit(self, hit))
			hit_free(hit);
		else
			add_hit(self, hit);
		note_effect(self, signature->effect);
		if (signature->effect != EFFECT_NONE)
			self->quote = QUOTE_NONE;
		return true;
	}
	return false;
}

/* what was told in this step was overcome */
static void
forgive(RescueTranscript *self)
{
	for (guint i = self->hits->len; i > 0; i--) {
		const RescueHit *hit = g_ptr_array_index(self->hits, i - 1);
		if (hit->phase == self->phase && !hit->fatal)
			g_ptr_array_remove_index(self->hits, i - 1);
	}
}

static void
apply_marker(RescueTranscript *self, const Marker *marker, const char *message)
{
	learn_dialect(self, marker->speech);
	self->quote = marker->effect == MARK_OLD_LOG ? QUOTE_OLD_LOG
		      : marker->effect == MARK_LOG   ? QUOTE_LOG
						     : QUOTE_NONE;
	set_phase(self, marker->phase);
	if (marker->effect != MARK_MUTE)
		self->awaits = marker->effect == MARK_LEAVES    ? RESCUE_AWAITS_LEAVING
			       : marker->effect == MARK_RETURNS ? RESCUE_AWAITS_RETURN
								: RESCUE_AWAITS_NOTHING;
	if (marker->effect == MARK_UPDATE)
		self->keeps_data = true;
	if (marker->effect == MARK_ERASE && !self->keeps_data)
		self->erased = true;
	if (marker->effect == MARK_PASSED)
		forgive(self);
	if (marker->effect == MARK_FINISHED) {
		self->restored = true;
		self->failed = false;
	}
	if (marker->effect == MARK_MUTE || g_strcmp0(self->last_mark, message) == 0)
		return;
	g_free(self->last_mark);
	self->last_mark = g_strdup(message);
	self->marks++;
}

static void
note_marker(RescueTranscript *self, const char *message)
{
	unsigned speech = self->dialect == RESCUE_DIALECT_1_0_0   ? SPEECH_OLD
			  : self->dialect == RESCUE_DIALECT_1_0_1 ? SPEECH_NEW
								  : SPEECH_ANY;
	for (size_t i = 0; i < G_N_ELEMENTS(markers); i++) {
		const Marker *marker = &markers[i];
		if ((marker->speech & speech) == 0 ||
		    !rescue_pattern_match(marker->pattern, message, NULL))
			continue;
		/* a quoted log has lines that look like the engine's vaguer ones */
		if (self->quote == QUOTE_NONE || marker->phase != RESCUE_PHASE_SAME)
			apply_marker(self, marker, message);
		return;
	}
}

void
rescue_transcript_feed(RescueTranscript *transcript, const char *line)
{
	RescueLabel label;
	RescueLineProgress progress;
	transcript->lines++;
	g_autofree char *cut = strnlen(line, MAX_MATCHED) == MAX_MATCHED
				   ? g_strndup(line, MAX_MATCHED)
				   : NULL;
	const char *message = rescue_line_message(cut != NULL ? cut : line, &label);
	if (label != RESCUE_LABEL_NONE) {
		learn_dialect(transcript, label == RESCUE_LABEL_WORD ? SPEECH_OLD : SPEECH_NEW);
		transcript->quote = QUOTE_NONE;
	}
	if (rescue_line_progress(message, &progress, &message)) {
		note_progress(transcript, &progress);
		message = rescue_line_message(message, &label);
	}
	if (message[0] != '\0' && !note_signature(transcript, message))
		note_marker(transcript, message);
}

RescueDialect
rescue_transcript_dialect(const RescueTranscript *transcript)
{
	return transcript->dialect;
}

const char *
rescue_dialect_name(RescueDialect dialect)
{
	static const char *const names[] = {
		[RESCUE_DIALECT_UNKNOWN] = "unknown",
		[RESCUE_DIALECT_1_0_0] = "1.0.0",
		[RESCUE_DIALECT_1_0_1] = "1.0.1",
	};
	return dialect < G_N_ELEMENTS(names) ? names[dialect] : names[RESCUE_DIALECT_UNKNOWN];
}

RescuePhase
rescue_transcript_phase(const RescueTranscript *transcript)
{
	return transcript->phase;
}

double
rescue_transcript_fraction(const RescueTranscript *transcript)
{
	return transcript->fraction;
}

uint64_t
rescue_transcript_marks(const RescueTranscript *transcript)
{
	return transcript->marks;
}

bool
rescue_transcript_says_restored(const RescueTranscript *transcript)
{
	return transcript->restored;
}

bool
rescue_transcript_says_failed(const RescueTranscript *transcript)
{
	return transcript->failed;
}

bool
rescue_transcript_says_erased(const RescueTranscript *transcript)
{
	return transcript->erased;
}

RescueAwaited
rescue_transcript_awaits(const RescueTranscript *transcript)
{
	return transcript->awaits;
}

const GPtrArray *
rescue_transcript_hits(const RescueTranscript *transcript)
{
	return transcript->hits;
}

bool
rescue_transcript_amr_error(const RescueTranscript *transcript, int *ret_code)
{
	if (!transcript->have_status)
		return false;
	*ret_code = transcript->status;
	return true;
}

size_t
rescue_transcript_line_count(const RescueTranscript *transcript)
{
	return transcript->lines;
}

const char *
rescue_transcript_pattern(RescueFailure failure, size_t n)
{
	for (size_t i = 0; i < G_N_ELEMENTS(signatures); i++) {
		if (signatures[i].failure == failure && n-- == 0)
			return signatures[i].pattern;
	}
	return NULL;
}
