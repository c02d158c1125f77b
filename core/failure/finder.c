/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/failure/finder.h"

#include <stdint.h>
#include <string.h>

#include "core/failure/pattern.h"

#define GRAM_LENGTH 4u
#define SLOT_BITS   13u
#define SLOTS       (1u << SLOT_BITS)
#define NOWHERE     UINT16_MAX
#define WORD_BITS   64u

struct RescueFinder {
	size_t n;
	size_t words;
	uint32_t *grams;       /* of each pattern; 0: too short, it is always looked at */
	uint16_t *next;        /* of each pattern: the next one in its slot */
	uint16_t slots[SLOTS]; /* the first pattern of each */
	uint64_t *always, *found;
};

static uint32_t
push(uint32_t gram, char c)
{
	return gram << 8 | (uint8_t)g_ascii_tolower(c);
}

static uint32_t
slot_of(uint32_t gram)
{
	return gram * UINT32_C(2654435761) >> (32 - SLOT_BITS);
}

static void
set_bit(uint64_t *words, size_t i)
{
	words[i / WORD_BITS] |= UINT64_C(1) << (i % WORD_BITS);
}

/* calls `use` for every gram of a pattern's literal pieces */
static void
each_gram(const char *pattern, void (*use)(uint32_t gram, void *data), void *data)
{
	const char *piece;
	size_t length;
	for (size_t at = 0; (length = rescue_pattern_literal(pattern, at, &piece)) > 0;
	     at = (size_t)(piece - pattern) + length) {
		uint32_t gram = 0;
		for (size_t i = 0; i < length; i++) {
			gram = push(gram, piece[i]);
			if (i + 1 >= GRAM_LENGTH)
				use(gram, data);
		}
	}
}

static void
count_gram(uint32_t gram, void *data)
{
	GHashTable *counts = data;
	gpointer key = GUINT_TO_POINTER(gram);
	guint n = GPOINTER_TO_UINT(g_hash_table_lookup(counts, key));
	g_hash_table_insert(counts, key, GUINT_TO_POINTER(n + 1));
}

typedef struct {
	GHashTable *counts;
	uint32_t gram;
	guint users;
} Rarest;

static void
keep_rarest(uint32_t gram, void *data)
{
	Rarest *rarest = data;
	gpointer n = g_hash_table_lookup(rarest->counts, GUINT_TO_POINTER(gram));
	if (rarest->gram != 0 && GPOINTER_TO_UINT(n) >= rarest->users)
		return;
	rarest->gram = gram;
	rarest->users = GPOINTER_TO_UINT(n);
}

static void
file_pattern(RescueFinder *self, size_t i, uint32_t gram)
{
	self->grams[i] = gram;
	if (gram == 0) {
		set_bit(self->always, i);
		return;
	}
	uint16_t *slot = &self->slots[slot_of(gram)];
	self->next[i] = *slot;
	*slot = (uint16_t)i;
}

RescueFinder *
rescue_finder_new(const char *const *patterns, size_t n)
{
	g_autoptr(GHashTable) counts = g_hash_table_new(NULL, NULL);
	RescueFinder *self = g_new0(RescueFinder, 1);
	g_assert(n < NOWHERE);
	self->n = n;
	self->words = n / WORD_BITS + 1;
	self->grams = g_new0(uint32_t, n + 1);
	self->next = g_new0(uint16_t, n + 1);
	self->always = g_new0(uint64_t, self->words);
	self->found = g_new0(uint64_t, self->words);
	memset(self->slots, 0xff, sizeof(self->slots)); /* NOWHERE */
	for (size_t i = 0; i < n; i++)
		each_gram(patterns[i], count_gram, counts);
	for (size_t i = 0; i < n; i++) {
		Rarest rarest = { .counts = counts };
		each_gram(patterns[i], keep_rarest, &rarest);
		file_pattern(self, i, rarest.gram);
	}
	return self;
}

void
rescue_finder_free(RescueFinder *finder)
{
	if (finder == NULL)
		return;
	g_free(finder->grams);
	g_free(finder->next);
	g_free(finder->always);
	g_free(finder->found);
	g_free(finder);
}

void
rescue_finder_look(RescueFinder *finder, const char *text)
{
	uint32_t gram = 0;
	memcpy(finder->found, finder->always, finder->words * sizeof(*finder->found));
	for (const char *p = text; *p != '\0'; p++) {
		gram = push(gram, *p);
		for (uint16_t i = finder->slots[slot_of(gram)]; i != NOWHERE; i = finder->next[i]) {
			if (finder->grams[i] == gram)
				set_bit(finder->found, i);
		}
	}
}

size_t
rescue_finder_next(const RescueFinder *finder, size_t from)
{
	for (size_t word = from / WORD_BITS; word < finder->words; word++) {
		uint64_t bits = finder->found[word];
		if (word == from / WORD_BITS)
			bits &= UINT64_MAX << (from % WORD_BITS);
		if (bits != 0)
			return MIN(finder->n, word * WORD_BITS + (size_t)__builtin_ctzll(bits));
	}
	return finder->n;
}
