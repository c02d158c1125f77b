/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/base/json.h"
#include "core/line/tally.h"

/* What Prometheus asks for, text format 0.0.4. Names and meaning: docs/line-api.md. */

/** Upper limits of the latency histogram, in seconds; the last bucket has none. */
#define RESCUE_LATENCY_BUCKETS 8u

/** How long it took from the moment that an event tells to its being handed to watchers. */
typedef struct {
	uint64_t buckets[RESCUE_LATENCY_BUCKETS + 1]; /* each counts its own */
	double seconds;
	uint64_t count;
} RescueLatency;

/** One more event. */
void rescue_latency_add(RescueLatency *latency, double seconds);

/** What this process takes. */
typedef struct {
	double cpu_seconds;
	uint64_t resident_bytes;
	uint64_t descriptors;
} RescueProcessUse;

/** Of this process, as the kernel counts it; zeros where it does not say. */
RescueProcessUse rescue_process_use(void);

/** All borrowed. */
typedef struct {
	const RescueJson *station; /* rescue_snapshot_new() */
	const RescueTally *tally;
	const RescueLatency *latency;
	RescueProcessUse use;
	size_t watchers; /* who follows /events */
} RescueMetricsFacts;

/** The whole text; caller frees. */
char *rescue_metrics_format(const RescueMetricsFacts *facts);
