/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/failure/transcript.h"

#include <string.h>

#include "core/failure/line.h"
#include "core/failure/phrase.h"
#include "core/failure/proof.h"

#define MAX_HITS    256
#define MAX_MATCHED 2048 /* so many bytes of a line are looked at */
#define MAX_TEXT    400  /* so many are kept of a telling one */

#define WEIGHT_NUMBER 60 /* of a line of which nothing but its number is known */

typedef enum { QUOTE_NONE, QUOTE_OLD_LOG, QUOTE_LOG } Quote;

struct RescueTranscript {
	RescuePhrases *phrases;
	bool foreign; /* a log of which nothing is known: anybody may have written any line of it */
	RescueAwaited awaits;
	RescueDialect dialect;
	uint32_t facts;
	RescuePhase phase;
	double fraction;
	RescueLineProgress last_progress;
	uint64_t marks;
	char *last_mark; /* a line that only repeats is no progress */
	Quote quote;
	bool restored, failed, erased, keeps_data, sends;
	GPtrArray *hits;
	GPtrArray *proofs; /* RescueProof */
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
	self->phrases = rescue_phrases_new();
	self->dialect = dialect;
	self->foreign = dialect == RESCUE_DIALECT_UNKNOWN;
	self->fraction = -1;
	self->last_progress.step = -1;
	self->last_progress.fraction = -1;
	self->hits = g_ptr_array_new_with_free_func(hit_free);
	self->proofs = rescue_proofs_new();
	return self;
}

void
rescue_transcript_free(RescueTranscript *transcript)
{
	if (transcript == NULL)
		return;
	rescue_phrases_free(transcript->phrases);
	g_free(transcript->last_mark);
	g_ptr_array_unref(transcript->hits);
	g_ptr_array_unref(transcript->proofs);
	g_free(transcript);
}

/* what the engine itself may say */
static unsigned
speech_of_engine(const RescueTranscript *self)
{
	if (self->foreign)
		return RESCUE_SPEECH_ANY | RESCUE_SPEECH_RELATIVE;
	return self->dialect == RESCUE_DIALECT_1_0_0 ? RESCUE_SPEECH_OLD : RESCUE_SPEECH_NEW;
}

/* whose messages count at the moment */
static unsigned
audible(const RescueTranscript *self)
{
	if (self->quote == QUOTE_OLD_LOG)
		return 0;
	if (self->quote == QUOTE_LOG)
		return RESCUE_SPEECH_DEVICE;
	return speech_of_engine(self) | (self->foreign ? RESCUE_SPEECH_DEVICE : 0);
}

static void
learn_dialect(RescueTranscript *self, RescueDialect dialect)
{
	/* the table's order is that of precedence */
	if (self->foreign && dialect > self->dialect)
		self->dialect = dialect;
}

static RescueDialect
dialect_of(unsigned speech)
{
	return speech == RESCUE_SPEECH_OLD   ? RESCUE_DIALECT_1_0_0
	       : speech == RESCUE_SPEECH_NEW ? RESCUE_DIALECT_1_0_1
					     : RESCUE_DIALECT_UNKNOWN;
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
new_hit(const RescueTranscript *self, const RescueSignature *signature, int64_t value,
	const char *message)
{
	g_autofree char *cut = g_strndup(message, strnlen(message, MAX_TEXT));
	RescueHit *hit = g_new0(RescueHit, 1);
	hit->failure = signature->failure;
	hit->phase = signature->phase == RESCUE_PHASE_ACTIVE ? self->phase : signature->phase;
	hit->number = self->lines;
	hit->weight = signature->weight;
	hit->fatal = signature->effect != RESCUE_EFFECT_NONE;
	hit->text = g_utf8_make_valid(cut, -1);
	if (signature->number == RESCUE_NUMBER_NONE) {
		hit->domain = rescue_phrases_number(self->phrases, &hit->value);
		return hit;
	}
	hit->domain = signature->domain;
	hit->value = value;
	(void)rescue_failure_from_code(hit->domain, value,
				       &hit->failure); /* else the table's own */
	return hit;
}

static void
note_effect(RescueTranscript *self, RescueEffect effect)
{
	if (effect == RESCUE_EFFECT_UNDO)
		self->restored = false;
	if (effect != RESCUE_EFFECT_NONE && !self->restored)
		self->failed = true;
}

static void
note_hit(RescueTranscript *self, RescueHit *hit)
{
	if (repeats_last_hit(self, hit))
		hit_free(hit);
	else
		add_hit(self, hit);
}

/* the engine's own last words are heard even inside a quoted log, and end it */
static bool
note_signature(RescueTranscript *self, const char *message)
{
	int64_t value = 0;
	const RescueSignature *signature = rescue_phrases_signature(self->phrases, audible(self),
								    speech_of_engine(self), &value);
	if (signature == NULL)
		return false;
	if (signature->failure == RESCUE_FAILURE_NONE)
		return true;
	note_hit(self, new_hit(self, signature,
			       signature->number == RESCUE_NUMBER_FIXED ? signature->value : value,
			       message));
	note_effect(self, signature->effect);
	if (signature->effect != RESCUE_EFFECT_NONE)
		self->quote = QUOTE_NONE;
	return true;
}

/* no words that are known, but a number that is */
static bool
note_number(RescueTranscript *self, const char *message)
{
	RescueSignature bare = { .phase = RESCUE_PHASE_ACTIVE, .weight = WEIGHT_NUMBER };
	int64_t value = 0;
	bool heard = (audible(self) & RESCUE_SPEECH_DEVICE) != 0;
	const char *domain = heard ? rescue_phrases_number(self->phrases, &value) : NULL;
	if (domain == NULL || !rescue_failure_from_code(domain, value, &bare.failure))
		return false;
	note_hit(self, new_hit(self, &bare, 0, message));
	return true;
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

/* file systems are checked and mounted again behind the boot chain; what is verified by then is not the image */
static bool
looks_back(const RescueTranscript *self, RescuePhase phase)
{
	return phase == RESCUE_PHASE_VERIFY_FILESYSTEM && self->phase > phase;
}

static void
apply_marker(RescueTranscript *self, const RescueMarker *marker, const char *message)
{
	learn_dialect(self, dialect_of(marker->speech));
	self->quote = marker->effect == RESCUE_MARK_OLD_LOG ? QUOTE_OLD_LOG
		      : marker->effect == RESCUE_MARK_LOG   ? QUOTE_LOG
							    : QUOTE_NONE;
	if (!looks_back(self, marker->phase))
		set_phase(self, marker->phase);
	if (marker->effect != RESCUE_MARK_MUTE)
		self->awaits = marker->effect == RESCUE_MARK_LEAVES    ? RESCUE_AWAITS_LEAVING
			       : marker->effect == RESCUE_MARK_RETURNS ? RESCUE_AWAITS_RETURN
								       : RESCUE_AWAITS_NOTHING;
	if (marker->effect == RESCUE_MARK_UPDATE)
		self->keeps_data = true;
	self->sends |= marker->effect == RESCUE_MARK_SENDS;
	if (!self->keeps_data &&
	    (marker->effect == RESCUE_MARK_ERASE || marker->effect == RESCUE_MARK_SENDS))
		self->erased = true;
	if (marker->effect == RESCUE_MARK_PASSED)
		forgive(self);
	if (marker->effect == RESCUE_MARK_FINISHED) {
		self->restored = true;
		self->failed = false;
	}
	if (marker->effect == RESCUE_MARK_MUTE || g_strcmp0(self->last_mark, message) == 0)
		return;
	g_free(self->last_mark);
	self->last_mark = g_strdup(message);
	self->marks++;
}

static void
note_marker(RescueTranscript *self, const char *message)
{
	const RescueMarker *marker = rescue_phrases_marker(self->phrases, speech_of_engine(self));
	/* a quoted log has lines that look like the engine's vaguer ones */
	if (marker != NULL && (self->quote == QUOTE_NONE || marker->phase != RESCUE_PHASE_SAME))
		apply_marker(self, marker, message);
}

/* what stands in a line beside what it tells */
static void
note_asides(RescueTranscript *self)
{
	if (self->quote == QUOTE_OLD_LOG)
		return;
	uint32_t facts = rescue_phrases_facts(self->phrases);
	/* until then it leaves the bus at each change of its mode, and in the end to start */
	if (self->phase < RESCUE_PHASE_HANDSHAKE || self->restored)
		facts &= ~(UINT32_C(1) << RESCUE_FACT_LEFT_BUS);
	self->facts |= facts;
	if (!self->foreign)
		return;
	learn_dialect(self, rescue_phrases_dialect(self->phrases));
	set_phase(self, rescue_phrases_checkpoint(self->phrases));
}

/* the message of a line; a pasted one has other things in front of it */
static const char *
find_message(RescueTranscript *self, const char *line)
{
	RescueLabel label;
	const char *message = rescue_line_message(line, &label);
	if (label == RESCUE_LABEL_NONE && self->foreign)
		message = rescue_line_message(rescue_line_unwrap(line), &label);
	if (label != RESCUE_LABEL_NONE) {
		learn_dialect(self, label == RESCUE_LABEL_WORD ? RESCUE_DIALECT_1_0_0
							       : RESCUE_DIALECT_1_0_1);
		self->quote = QUOTE_NONE;
	}
	return message;
}

void
rescue_transcript_continue(RescueTranscript *transcript, const char *piece)
{
	RescueLineProgress progress;
	RescueLabel label;
	g_autofree char *cut = strnlen(piece, MAX_MATCHED) == MAX_MATCHED
				   ? g_strndup(piece, MAX_MATCHED)
				   : NULL;
	const char *message = find_message(transcript, cut != NULL ? cut : piece);
	if (rescue_line_progress(message, &progress, &message)) {
		note_progress(transcript, &progress);
		message = rescue_line_message(message, &label);
	}
	if (message[0] == '\0')
		return;
	rescue_phrases_look(transcript->phrases, message);
	note_asides(transcript);
	if (!note_signature(transcript, message) && !note_number(transcript, message))
		note_marker(transcript, message);
	/* not what another run has said: by now it is known whether a log is quoted */
	if (transcript->quote == QUOTE_NONE)
		rescue_proofs_note(transcript->proofs, message, transcript->lines);
}

void
rescue_transcript_feed(RescueTranscript *transcript, const char *line)
{
	transcript->lines++;
	rescue_transcript_continue(transcript, line);
}

bool
rescue_transcript_has_fact(const RescueTranscript *transcript, RescueFact fact)
{
	return (transcript->facts & UINT32_C(1) << fact) != 0;
}

RescueDialect
rescue_transcript_dialect(const RescueTranscript *transcript)
{
	return transcript->dialect;
}

static const struct {
	const char *tool, *name;
} dialects[] = {
#define RESCUE_DIALECT(id, tool_name, dialect_name) { tool_name, dialect_name },
#define RESCUE_VOICE(id, text)
#include "core/failure/dialect.def"
#undef RESCUE_DIALECT
#undef RESCUE_VOICE
};

const char *
rescue_dialect_name(RescueDialect dialect)
{
	return dialects[dialect < RESCUE_DIALECT_LAST ? dialect : RESCUE_DIALECT_UNKNOWN].name;
}

const char *
rescue_dialect_tool(RescueDialect dialect)
{
	return dialects[dialect < RESCUE_DIALECT_LAST ? dialect : RESCUE_DIALECT_UNKNOWN].tool;
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

bool
rescue_transcript_sends_image(const RescueTranscript *transcript)
{
	return transcript->sends;
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

const GPtrArray *
rescue_transcript_proofs(const RescueTranscript *transcript)
{
	return transcript->proofs;
}

size_t
rescue_transcript_line_count(const RescueTranscript *transcript)
{
	return transcript->lines;
}

const char *
rescue_transcript_pattern(RescueFailure failure, size_t n)
{
	return rescue_phrases_pattern(failure, n);
}
