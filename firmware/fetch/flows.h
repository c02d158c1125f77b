/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdint.h>

/* How many flows a download uses, and how large a piece each takes. Pure. */

#define RESCUE_FLOWS_MAX       8u
#define RESCUE_FLOWS_MIN_PIECE (UINT64_C(1) << 20)
#define RESCUE_FLOWS_MAX_PIECE (UINT64_C(64) << 20)

typedef struct {
	unsigned open;      /* flows that bring bytes now */
	unsigned most;      /* that are allowed */
	double rate;        /* bytes per second of all of them, lately */
	double single_rate; /* of the one flow there was at first; 0: not known */
	double cap;         /* bytes per second that are allowed; 0: all */
	uint64_t left;      /* bytes still to come */
	int64_t steady_ms;  /* since their number changed */
} RescueFlowFacts;

/**
 * One flow is the rule. Several help only where each is slow by itself, as with servers that limit every connection;
 * where they bring hardly more than one did, two are enough.
 */
unsigned rescue_flows_wanted(const RescueFlowFacts *facts);
/** Bytes of the next piece: some seconds' worth, and small near the end, so that all flows end together. */
uint64_t rescue_flows_piece(uint64_t left, unsigned flows, double flow_rate);
