/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/fetch/ranges.h"

#define NOBODY G_MAXUINT

/*
 * The file is cut into segments without gaps or overlaps. Of each the bytes [first, have) are here; [have, end) are
 * fetched by `flow` or by nobody. Neighbours that are whole are merged.
 */
typedef struct {
	uint64_t first, have, end;
	unsigned flow;
} Segment;

struct RescueRanges {
	uint64_t size, done;
	GArray *segments;
};

static Segment *
segment_at(const RescueRanges *ranges, guint i)
{
	return &g_array_index(ranges->segments, Segment, i);
}

static void
insert(RescueRanges *ranges, guint i, uint64_t first, uint64_t end)
{
	Segment segment = { .first = first, .have = first, .end = end, .flow = NOBODY };

	if (first < end)
		g_array_insert_val(ranges->segments, i, segment);
}

RescueRanges *
rescue_ranges_new(uint64_t size)
{
	RescueRanges *ranges = g_new0(RescueRanges, 1);

	ranges->size = size;
	ranges->segments = g_array_new(FALSE, FALSE, sizeof(Segment));
	insert(ranges, 0, 0, size);
	return ranges;
}

void
rescue_ranges_free(RescueRanges *ranges)
{
	if (ranges == NULL)
		return;
	g_array_unref(ranges->segments);
	g_free(ranges);
}

static bool
is_whole(const Segment *segment)
{
	return segment->have == segment->end;
}

/* a whole segment takes in its whole left neighbour, and what has come of its right one */
static void
merge(RescueRanges *ranges)
{
	for (guint i = 0; i + 1 < ranges->segments->len;) {
		Segment *left = segment_at(ranges, i), *right = segment_at(ranges, i + 1);
		/* one that is whole and still has a flow is about to be dropped */
		if (!is_whole(left) || left->flow != NOBODY) {
			i++;
			continue;
		}
		right->first = left->first;
		g_array_remove_index(ranges->segments, i);
	}
}

static int
find_flow(const RescueRanges *ranges, unsigned flow)
{
	for (guint i = 0; i < ranges->segments->len; i++)
		if (segment_at(ranges, i)->flow == flow)
			return (int)i;
	return -1;
}

bool
rescue_ranges_add(RescueRanges *ranges, RescueSpan span)
{
	for (guint i = 0; i < ranges->segments->len; i++) {
		Segment *segment = segment_at(ranges, i);
		uint64_t end = segment->end;
		if (span.first >= end)
			continue;
		if (span.first < segment->have || span.end > end || span.first >= span.end ||
		    segment->flow != NOBODY)
			return false;
		ranges->done += span.end - span.first;
		insert(ranges, i + 1, span.end, end);
		segment = segment_at(ranges, i);
		segment->end = span.first;
		insert(ranges, i + 1, span.first, span.end);
		segment_at(ranges, i + 1)->have = span.end;
		if (segment_at(ranges, i)->first == span.first)
			g_array_remove_index(ranges->segments, i);
		merge(ranges);
		return true;
	}
	return false;
}

bool
rescue_ranges_take(RescueRanges *ranges, unsigned flow, uint64_t most, RescueSpan *ret_span)
{
	for (guint i = 0; i < ranges->segments->len; i++) {
		Segment *segment = segment_at(ranges, i);
		uint64_t end = segment->end;
		if (segment->flow != NOBODY || is_whole(segment))
			continue;
		if (end - segment->have > most) {
			insert(ranges, i + 1, segment->have + most, end);
			segment = segment_at(ranges, i);
			segment->end = segment->have + most;
		}
		segment->flow = flow;
		*ret_span = (RescueSpan){ segment->have, segment->end };
		return true;
	}
	return false;
}

static int
find_largest(const RescueRanges *ranges)
{
	int best = -1;
	uint64_t most = 0;

	for (guint i = 0; i < ranges->segments->len; i++) {
		const Segment *segment = segment_at(ranges, i);
		if (segment->flow == NOBODY || segment->end - segment->have <= most)
			continue;
		best = (int)i;
		most = segment->end - segment->have;
	}
	return best;
}

bool
rescue_ranges_steal(RescueRanges *ranges, unsigned flow, uint64_t least, RescueSpan *ret_span)
{
	int i = find_largest(ranges);
	Segment *victim;
	uint64_t middle, end;

	if (i < 0)
		return false;
	victim = segment_at(ranges, (guint)i);
	end = victim->end;
	middle = victim->have + (end - victim->have) / 2;
	if (end - middle < MAX(least, 1))
		return false;
	insert(ranges, (guint)i + 1, middle, end);
	segment_at(ranges, (guint)i)->end = middle;
	segment_at(ranges, (guint)i + 1)->flow = flow;
	*ret_span = (RescueSpan){ middle, end };
	return true;
}

void
rescue_ranges_shorten(RescueRanges *ranges, unsigned flow, uint64_t keep)
{
	int i = find_flow(ranges, flow);
	Segment *segment = i >= 0 ? segment_at(ranges, (guint)i) : NULL;
	uint64_t end;

	if (segment == NULL || segment->end - segment->have <= keep)
		return;
	end = segment->end;
	segment->end = segment->have + keep;
	insert(ranges, (guint)i + 1, segment->end, end);
}

uint64_t
rescue_ranges_arrived(RescueRanges *ranges, unsigned flow, uint64_t bytes)
{
	int i = find_flow(ranges, flow);
	Segment *segment = i >= 0 ? segment_at(ranges, (guint)i) : NULL;
	uint64_t useful = segment != NULL ? MIN(bytes, segment->end - segment->have) : 0;

	if (useful == 0)
		return 0;
	segment->have += useful;
	ranges->done += useful;
	return useful;
}

bool
rescue_ranges_flow(const RescueRanges *ranges, unsigned flow, RescueSpan *ret_left)
{
	int i = find_flow(ranges, flow);

	if (i < 0)
		return false;
	*ret_left = (RescueSpan){ segment_at(ranges, (guint)i)->have,
				  segment_at(ranges, (guint)i)->end };
	return true;
}

void
rescue_ranges_drop(RescueRanges *ranges, unsigned flow)
{
	int i = find_flow(ranges, flow);

	if (i < 0)
		return;
	segment_at(ranges, (guint)i)->flow = NOBODY;
	merge(ranges);
}

bool
rescue_ranges_set_size(RescueRanges *ranges, uint64_t size)
{
	Segment *last = segment_at(ranges, ranges->segments->len - 1);

	if (ranges->size != RESCUE_SIZE_UNKNOWN || last->have > size)
		return ranges->size == size;
	last->end = size;
	ranges->size = size;
	return true;
}

uint64_t
rescue_ranges_size(const RescueRanges *ranges)
{
	return ranges->size;
}

uint64_t
rescue_ranges_done(const RescueRanges *ranges)
{
	return ranges->done;
}

uint64_t
rescue_ranges_prefix(const RescueRanges *ranges)
{
	guint i;

	for (i = 0; i < ranges->segments->len; i++)
		if (!is_whole(segment_at(ranges, i)))
			return segment_at(ranges, i)->have;
	return ranges->segments->len > 0 ? ranges->size : 0;
}

bool
rescue_ranges_complete(const RescueRanges *ranges)
{
	return ranges->done == ranges->size;
}

GArray *
rescue_ranges_spans(const RescueRanges *ranges)
{
	GArray *spans = g_array_new(FALSE, FALSE, sizeof(RescueSpan));

	for (guint i = 0; i < ranges->segments->len; i++) {
		const Segment *segment = segment_at(ranges, i);
		RescueSpan span = { segment->first, segment->have };
		RescueSpan *last = spans->len > 0
				       ? &g_array_index(spans, RescueSpan, spans->len - 1)
				       : NULL;
		if (span.first == span.end)
			continue;
		if (last != NULL && last->end == span.first)
			last->end = span.end;
		else
			g_array_append_val(spans, span);
	}
	return spans;
}
