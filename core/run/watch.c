/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/watch.h"

#define MS 1000 /* microseconds */

/* Where a device may be while the engine is in a step; everything else means that no success can come any more. */
static bool
mode_is_hopeless(const RescueWatchFacts *facts)
{
	bool in_boot_loader = facts->mode == RESCUE_MODE_RECOVERY || facts->mode == RESCUE_MODE_DFU;

	if (facts->phase == RESCUE_PHASE_WAIT_RESTORE_MODE)
		return in_boot_loader && facts->left_since_phase;
	return facts->phase >= RESCUE_PHASE_HANDSHAKE && facts->phase <= RESCUE_PHASE_FINISH &&
	       in_boot_loader;
}

/* Steps in which the device stays on the bus; in the others it re-enumerates and may be away for a while. */
static bool
absence_is_hopeless(const RescueWatchFacts *facts, int64_t now_us)
{
	if (facts->absent_us == 0 || facts->phase < RESCUE_PHASE_HANDSHAKE ||
	    facts->phase > RESCUE_PHASE_FINISH)
		return false;
	return now_us - facts->absent_us >= (int64_t)RESCUE_WATCH_ABSENT_MS * MS;
}

static RescueWatchDecision
end_now(RescueEngineEnd why)
{
	return (RescueWatchDecision){ .end = true, .why = why };
}

static int64_t
earlier(int64_t a_us, int64_t b_us)
{
	return a_us < b_us ? a_us : b_us;
}

static int64_t
next_look(const RescueWatchFacts *facts, const RescuePolicy *policy)
{
	int64_t deadline_us = facts->progress_us + (int64_t)policy->patience_ms[facts->phase] * MS;

	if (facts->said_us != 0)
		deadline_us = earlier(deadline_us,
				      facts->said_us + (int64_t)RESCUE_WATCH_LINGER_MS * MS);
	if (facts->absent_us != 0 && facts->phase >= RESCUE_PHASE_HANDSHAKE)
		deadline_us = earlier(deadline_us,
				      facts->absent_us + (int64_t)RESCUE_WATCH_ABSENT_MS * MS);
	return deadline_us;
}

/*
 * A phone that has left the bus, or sits in its boot loader, is not being flashed by this engine any more: the guard of
 * the flashing steps does not hold for it. Somebody who asks twice gets what he asks for.
 */
static bool
stop_is_due(const RescueWatchFacts *facts)
{
	bool guarded = rescue_phase_is_guarded(facts->phase) && facts->absent_us == 0;

	return facts->stops >= (guarded ? 2u : 1u);
}

RescueWatchDecision
rescue_watch_decide(const RescueWatchFacts *facts, const RescuePolicy *policy, int64_t now_us)
{
	bool lingers = facts->said_us != 0 &&
		       now_us - facts->said_us >= (int64_t)RESCUE_WATCH_LINGER_MS * MS;

	if (facts->says_restored)
		return lingers ? end_now(RESCUE_END_EXITED)
			       : (RescueWatchDecision){ .deadline_us = next_look(facts, policy) };
	if (stop_is_due(facts))
		return end_now(RESCUE_END_STOPPED);
	if (lingers)
		return end_now(RESCUE_END_SAID_FAILED);
	if (mode_is_hopeless(facts) || absence_is_hopeless(facts, now_us))
		return end_now(RESCUE_END_MODE);
	if (now_us >= facts->progress_us + (int64_t)policy->patience_ms[facts->phase] * MS)
		return end_now(RESCUE_END_PATIENCE);
	return (RescueWatchDecision){ .deadline_us = next_look(facts, policy) };
}
