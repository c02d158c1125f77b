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

/* When silence is too long. */
static int64_t
patience_end(const RescueWatchFacts *facts, const RescuePolicy *policy)
{
	bool restoring = facts->phase >= RESCUE_PHASE_HANDSHAKE &&
			 facts->phase <= RESCUE_PHASE_FINISH;
	int factor = facts->blind && restoring ? RESCUE_WATCH_BLIND_FACTOR : 1;

	return facts->progress_us + (int64_t)policy->patience_ms[facts->phase] * factor * MS;
}

/* When an engine that has said its last word has had time enough to end. */
static int64_t
linger_end(const RescueWatchFacts *facts)
{
	int ms = facts->says_restored ? RESCUE_WATCH_LINGER_MS : RESCUE_WATCH_LINGER_FAILED_MS;

	return facts->said_us != 0 ? facts->said_us + (int64_t)ms * MS : INT64_MAX;
}

static int64_t
next_look(const RescueWatchFacts *facts, const RescuePolicy *policy)
{
	int64_t deadline_us = earlier(patience_end(facts, policy), linger_end(facts));

	if (facts->absent_us != 0 && facts->phase >= RESCUE_PHASE_HANDSHAKE)
		deadline_us = earlier(deadline_us,
				      facts->absent_us + (int64_t)RESCUE_WATCH_ABSENT_MS * MS);
	return deadline_us;
}

/*
 * What was begun to be flashed is flashed to its end, unless somebody asks twice. A phone that has left the bus, or
 * sits in its boot loader, is not being flashed by this engine any more: the guard does not hold for it.
 */
static bool
stop_is_due(const RescueWatchFacts *facts)
{
	bool in_loader = facts->mode == RESCUE_MODE_RECOVERY || facts->mode == RESCUE_MODE_DFU;
	bool guarded = facts->flashed && facts->absent_us == 0 && !in_loader;

	return facts->stops >= (guarded ? 2u : 1u);
}

RescueWatchDecision
rescue_watch_decide(const RescueWatchFacts *facts, const RescuePolicy *policy, int64_t now_us)
{
	bool lingers = now_us >= linger_end(facts);

	if (facts->says_restored)
		return lingers ? end_now(RESCUE_END_EXITED)
			       : (RescueWatchDecision){ .deadline_us = next_look(facts, policy) };
	if (stop_is_due(facts))
		return end_now(RESCUE_END_STOPPED);
	if (lingers)
		return end_now(RESCUE_END_SAID_FAILED);
	if (mode_is_hopeless(facts) || absence_is_hopeless(facts, now_us))
		return end_now(RESCUE_END_MODE);
	if (now_us >= patience_end(facts, policy))
		return end_now(RESCUE_END_PATIENCE);
	return (RescueWatchDecision){ .deadline_us = next_look(facts, policy) };
}
