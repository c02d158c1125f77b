/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/state.h"

/* One run of the engine, from the device that is made ready for it to the engine that has ended. */

static bool
journal_engine(const RescueEngineRun *engine, void *data, GError **error)
{
	RescueRun *run = data;
	RescueJson *body = rescue_json_object_new();

	rescue_json_set_string(body, "event", "engine");
	rescue_json_set_int(body, "attempt", run->attempt);
	rescue_json_set_int(body, "pid", engine->pid);
	rescue_json_set_int(body, "start_time", (int64_t)engine->start_time);
	rescue_json_set_string(body, "transcript", engine->transcript);
	rescue_json_set_string(body, "version", engine->version);
	rescue_run_say(run, body);
	if (run->broken == NULL)
		return true;
	g_propagate_error(error, g_error_copy(run->broken));
	return false;
}

static bool
start_engine(RescueRun *run)
{
	const RescuePorts *ports = run->ports;
	RescueEngineStart start = { .job = run->job,
				    .device = run->device,
				    .attempt = ++run->attempt,
				    .image = run->image,
				    .image_member = run->image_member,
				    .image_bytes = run->image_bytes };

	run->blind = run->broken != NULL;
	rescue_engine_run_clear(&run->engine);
	ports->devices->set_busy(ports->devices_self, run->job->ecid, true);
	if (!ports->engine->start(ports->engine_self, &start, journal_engine, run, &run->engine,
				  &run->evidence->error))
		return false;
	rescue_run_say(run, rescue_event_attempt(run->attempt, run->engine.version, NULL));
	return true;
}

static bool
run_engine(RescueRun *run)
{
	const RescuePorts *ports = run->ports;

	if (!rescue_run_take_turn(run, "engine", run->attempt + 1)) {
		run->evidence->phase = RESCUE_PHASE_PREFLIGHT;
		return false;
	}
	rescue_run_look(run);
	rescue_run_enter_bus(run);
	if (run->stops > 0) {
		g_set_error(&run->evidence->error, RESCUE_ERROR, RESCUE_ERROR_CANCELLED, "stopped");
		return false;
	}
	if (!rescue_run_open_door(run, &run->evidence->error)) {
		run->evidence->phase = RESCUE_PHASE_ENTER_RECOVERY;
		return false;
	}
	if (start_engine(run))
		return rescue_run_follow_engine(run, false);
	ports->devices->set_busy(ports->devices_self, run->job->ecid, false);
	run->evidence->phase = RESCUE_PHASE_PREFLIGHT;
	return false;
}

bool
rescue_run_attempt(RescueRun *run)
{
	bool restored = run_engine(run);

	rescue_run_leave_bus(run);
	return restored;
}
