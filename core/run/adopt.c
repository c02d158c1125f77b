/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/state.h"

/* The engine that an earlier supervisor of the job has left behind, living or dead. */

static void
take_over(RescueRun *run)
{
	const RescueEngineRun *engine = &run->resume->engine;

	rescue_engine_run_clear(&run->engine);
	run->engine = (RescueEngineRun){
		.pid = engine->pid,
		.start_time = engine->start_time,
		.transcript = g_strdup(engine->transcript),
		.version = g_strdup(engine->version),
		.dialect = engine->dialect,
	};
}

/* It was about to finish when it died, and the device has started by itself: it had all it needed. */
static bool
finished_without_engine(const RescueRun *run)
{
	return run->evidence->phase == RESCUE_PHASE_FINISH &&
	       run->evidence->end == RESCUE_END_EXITED && run->evidence->exit_status < 0 &&
	       run->device->mode == RESCUE_MODE_NORMAL;
}

bool
rescue_run_adopt(RescueRun *run)
{
	const RescuePorts *ports = run->ports;
	bool restored;

	take_over(run);
	ports->devices->set_busy(ports->devices_self, run->job->ecid, true);
	rescue_run_look(run);
	if (!ports->engine->adopt(ports->engine_self, &run->engine, &run->evidence->error)) {
		ports->devices->set_busy(ports->devices_self, run->job->ecid, false);
		return false;
	}
	rescue_run_say(run, rescue_event_attempt(run->attempt, run->engine.version, "adopted"));
	restored = rescue_run_follow_engine(run, true) || finished_without_engine(run);
	/* what should boot now; not before the engine has ended, since reading it takes a while */
	if (restored)
		run->firmware = ports->inspect->inspect(ports->inspect_self, run->job->ipsw, NULL);
	return restored;
}

bool
rescue_run_was_not_run(const RescueRun *run)
{
	const RescueEvidence *evidence = run->evidence;

	return evidence->transcript != NULL && evidence->end == RESCUE_END_EXITED &&
	       evidence->exit_status < 0 && evidence->exit_signal == 0 &&
	       rescue_transcript_line_count(evidence->transcript) == 0;
}
