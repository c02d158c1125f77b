/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/noise.h"

#include <string.h>

#include <glib.h>

/* xorshift64* (Vigna, 2016): good enough to look random to deflate, and three lines */
static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* FNV-1a */
static uint64_t
hash_text(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (; *text != '\0'; text++)
		hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return hash | 1; /* xorshift stays at zero for ever */
}

void
lab_noise_init(LabNoise *noise, const char *seed)
{
	uint64_t state = noise->seed = hash_text(seed);
	for (size_t page = 0; page < LAB_NOISE_PAGES; page++) {
		for (size_t i = 0; i < LAB_NOISE_PAGE; i += sizeof state) {
			uint64_t word = i < LAB_NOISE_PAGE * 3 / 4 ? next_random(&state)
								   : UINT64_C(0x204241204241204c);
			memcpy(noise->pages[page] + i, &word, sizeof word);
		}
	}
}

void
lab_noise_fill(const LabNoise *noise, uint64_t offset, uint8_t *buffer, size_t size)
{
	while (size > 0) {
		uint64_t page = offset / LAB_NOISE_PAGE;
		size_t within = (size_t)(offset % LAB_NOISE_PAGE);
		size_t length = MIN(size, LAB_NOISE_PAGE - within);
		memcpy(buffer, noise->pages[page % LAB_NOISE_PAGES] + within, length);
		uint64_t stamp = GUINT64_TO_LE(noise->seed ^ page);
		if (within < sizeof stamp) {
			size_t part = MIN(length, sizeof stamp - within);
			memcpy(buffer, (const uint8_t *)&stamp + within, part);
		}
		buffer += length;
		offset += length;
		size -= length;
	}
}
