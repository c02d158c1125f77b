/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/fetch/flows.h"

#include <glib.h>

/* a flow that fills a gigabit line needs no help */
#define FAST_RATE      100e6
#define LOOK_MS        300  /* so long a single flow is watched at least */
#define CAPPED_LOOK_MS 1000 /* the same where the rate is to be compared with a limit */
#define JUDGE_MS       4000 /* so long several are, before they are compared with it */
#define GAIN           1.15
#define WORTH_S        2.0 /* what is done sooner than that is left to one */
#define NEAR_CAP       0.8
#define PIECE_S        3.0
#define FEW            2u
#define MANY_LEFT      2u /* pieces per flow that should be left at the end */

static unsigned
wanted_beside_one(const RescueFlowFacts *facts)
{
	if (facts->steady_ms < (facts->cap > 0 ? CAPPED_LOOK_MS : LOOK_MS) ||
	    facts->rate >= FAST_RATE)
		return 1;
	if (facts->rate > 0 && (double)facts->left / facts->rate < WORTH_S)
		return 1;
	return facts->most;
}

unsigned
rescue_flows_wanted(const RescueFlowFacts *facts)
{
	unsigned open = MAX(facts->open, 1);

	if (facts->left < 2 * RESCUE_FLOWS_MIN_PIECE || facts->most <= 1)
		return 1;
	if (facts->cap > 0 && facts->rate >= NEAR_CAP * facts->cap)
		return MIN(open, facts->most);
	if (open == 1)
		return wanted_beside_one(facts);
	if (facts->steady_ms >= JUDGE_MS && facts->rate < GAIN * facts->single_rate)
		return MIN(FEW, facts->most);
	return facts->most;
}

uint64_t
rescue_flows_piece(uint64_t left, unsigned flows, double flow_rate)
{
	double wish = CLAMP(flow_rate * PIECE_S, (double)RESCUE_FLOWS_MIN_PIECE,
			    (double)RESCUE_FLOWS_MAX_PIECE);
	uint64_t share = left / (MANY_LEFT * MAX(flows, 1));

	return MAX(MIN((uint64_t)wish, share), RESCUE_FLOWS_MIN_PIECE);
}
