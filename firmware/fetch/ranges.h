/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Which bytes of a file are here, which are on their way, and which flow takes which next. Pure. Flows take pieces in
 * the file's order, so what is here is nearly a prefix, and the digest can follow closely.
 */
typedef struct RescueRanges RescueRanges;

/** Half open. */
typedef struct {
	uint64_t first, end;
} RescueSpan;

/** The size of a file whose server does not tell it. */
#define RESCUE_SIZE_UNKNOWN G_MAXUINT64

RescueRanges *rescue_ranges_new(uint64_t size);
/** Accepts NULL. */
void rescue_ranges_free(RescueRanges *ranges);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueRanges, rescue_ranges_free)

/** Bytes that are here already; false, and nothing changes, when the span is beyond the file or overlaps. */
bool rescue_ranges_add(RescueRanges *ranges, RescueSpan span);
/** The first bytes that nobody fetches, at most `most`, now belong to `flow`; false when there are none. */
bool rescue_ranges_take(RescueRanges *ranges, unsigned flow, uint64_t most, RescueSpan *ret_span);
/** The second half of the largest piece of another flow, if that half has at least `least` bytes. */
bool rescue_ranges_steal(RescueRanges *ranges, unsigned flow, uint64_t least, RescueSpan *ret_span);
/** Gives back what lies `keep` bytes beyond where `flow` is now, for others to take. */
void rescue_ranges_shorten(RescueRanges *ranges, unsigned flow, uint64_t keep);
/** `bytes` arrived in order; returns how many of them belong to the piece of this flow. */
uint64_t rescue_ranges_arrived(RescueRanges *ranges, unsigned flow, uint64_t bytes);
/** Where the next byte of this flow goes, and where its piece ends now; false when it has none. */
bool rescue_ranges_flow(const RescueRanges *ranges, unsigned flow, RescueSpan *ret_left);
/** The flow ended: what it did not bring is anybody's again. */
void rescue_ranges_drop(RescueRanges *ranges, unsigned flow);
/** The size of a file that was created with an unknown one; false when it contradicts what is known or here. */
bool rescue_ranges_set_size(RescueRanges *ranges, uint64_t size);

/** Bytes of the whole file, RESCUE_SIZE_UNKNOWN while nobody has told. */
uint64_t rescue_ranges_size(const RescueRanges *ranges);
/** How many bytes are here. */
uint64_t rescue_ranges_done(const RescueRanges *ranges);
/** How many of them without a gap from the beginning. */
uint64_t rescue_ranges_prefix(const RescueRanges *ranges);
bool rescue_ranges_complete(const RescueRanges *ranges);
/** What is here, as RescueSpan in order; caller owns. */
GArray *rescue_ranges_spans(const RescueRanges *ranges);
