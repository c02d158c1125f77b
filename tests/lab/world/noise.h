/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { LAB_NOISE_PAGE = 4096, LAB_NOISE_PAGES = 16 };

/**
 * Synthetic content at memory speed: pages of pseudo-random bytes, a quarter of each page easy to pack, no two pages
 * alike. A function of the seed and the offset only.
 */
typedef struct {
	uint64_t seed;
	uint8_t pages[LAB_NOISE_PAGES][LAB_NOISE_PAGE];
} LabNoise;

/** Draws the pages; any text is a seed. */
void lab_noise_init(LabNoise *noise, const char *seed);
/** The bytes from `offset` on. */
void lab_noise_fill(const LabNoise *noise, uint64_t offset, uint8_t *buffer, size_t size);
