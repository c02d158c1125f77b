/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/state.h"
#include "core/run/watch.h"

/* One run of the engine: started, watched to its end, and everything seen of it kept as evidence. */

#define MS            1000 /* microseconds */
#define KILL_MS       30000 /* an engine that was told to end is gone by then, by SIGKILL if need be */
#define PROGRESS_STEP 0.005

/* What the watcher of one engine run keeps besides the evidence. */
typedef struct {
	uint64_t marks;
	int64_t progress_us, absent_us, said_us;
	bool left_since_phase;
	RescuePhase phase;
	double told; /* the fraction that was last told */
} Watch;

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
				    .attempt = ++run->attempt };

	rescue_engine_run_clear(&run->engine);
	ports->devices->set_busy(ports->devices_self, run->job->ecid, true);
	if (!ports->engine->start(ports->engine_self, &start, journal_engine, run, &run->engine,
				  &run->evidence->error))
		return false;
	rescue_run_say(run, rescue_event_attempt(run->attempt, run->engine.version, NULL));
	return true;
}

static void
tell_progress(RescueRun *run, Watch *watch)
{
	double fraction = rescue_transcript_fraction(run->evidence->transcript);
	uint64_t total = watch->phase == RESCUE_PHASE_FILESYSTEM ? run->firmware->os_image_bytes
								 : 0;

	if (fraction < 0 ||
	    (fraction < 1 && fraction - watch->told < PROGRESS_STEP && fraction >= watch->told) ||
	    fraction == watch->told)
		return;
	watch->told = fraction;
	rescue_run_say(run, rescue_event_progress(watch->phase, fraction,
						  (uint64_t)(fraction * (double)total), total));
}

static void
enter_phase(RescueRun *run, Watch *watch, RescuePhase phase)
{
	watch->phase = phase;
	watch->told = -1;
	watch->left_since_phase = false;
	run->evidence->phase = phase;
	run->reached_restore |= phase >= RESCUE_PHASE_HANDSHAKE && phase <= RESCUE_PHASE_FINISH;
	rescue_run_step(run, phase);
}

static void
on_line(RescueRun *run, Watch *watch, const char *line)
{
	RescueTranscript *transcript = run->evidence->transcript;
	RescuePhase phase;

	rescue_transcript_feed(transcript, line);
	phase = rescue_transcript_phase(transcript);
	if (phase != watch->phase && phase != RESCUE_PHASE_UNKNOWN)
		enter_phase(run, watch, phase);
	if (rescue_transcript_marks(transcript) != watch->marks) {
		watch->marks = rescue_transcript_marks(transcript);
		watch->progress_us = rescue_run_now_us(run);
	}
	if (watch->said_us == 0 && (rescue_transcript_says_failed(transcript) ||
				    rescue_transcript_says_restored(transcript)))
		watch->said_us = rescue_run_now_us(run);
	run->erased |= rescue_transcript_says_erased(transcript) &&
		       run->job->behavior == RESCUE_BEHAVIOR_ERASE;
	tell_progress(run, watch);
}

/* A changed mode is a sign of life: whatever waits for it starts to count anew. */
static void
on_device(RescueRun *run, Watch *watch)
{
	bool absent = run->device->mode == RESCUE_MODE_ABSENT;

	watch->progress_us = rescue_run_now_us(run);
	watch->left_since_phase |= absent;
	watch->absent_us = absent ? rescue_run_now_us(run) : 0;
	run->evidence->left_bus |= absent && watch->phase >= RESCUE_PHASE_HANDSHAKE &&
				   watch->phase <= RESCUE_PHASE_FINISH && watch->said_us == 0;
}

static void
tell_guard(RescueRun *run, const Watch *watch)
{
	g_autofree char *text =
	    g_strdup_printf("the device is being flashed (%s); the job stops when that is over. "
			    "Asking again ends the engine now, "
			    "which can leave a device that does not boot",
			    rescue_phase_text(watch->phase));

	if (run->stops == 1 && rescue_phase_is_guarded(watch->phase))
		rescue_run_say(run, rescue_event_operator(text, 0));
}

static RescueWatchDecision
decide(const RescueRun *run, const Watch *watch)
{
	const RescueTranscript *transcript = run->evidence->transcript;
	RescueWatchFacts facts = {
		.phase = watch->phase,
		.mode = run->device->mode,
		.left_since_phase = watch->left_since_phase,
		.says_restored = rescue_transcript_says_restored(transcript),
		.says_failed = rescue_transcript_says_failed(transcript),
		.progress_us = watch->progress_us,
		.absent_us = watch->absent_us,
		.said_us = watch->said_us,
		.stops = run->stops,
	};

	return rescue_watch_decide(&facts, run->job->policy, rescue_run_now_us(run));
}

static void
note_exit(RescueRun *run, const RescueObservation *seen)
{
	RescueEvidence *evidence = run->evidence;

	evidence->exit_status = seen->exit_status;
	evidence->exit_signal = seen->exit_signal;
	if (evidence->end == RESCUE_END_NOT_RUN)
		evidence->end = seen->exit_signal != 0 ? RESCUE_END_SIGNAL : RESCUE_END_EXITED;
}

/* True when the engine has ended. */
static bool
take(RescueRun *run, Watch *watch, const RescueObservation *seen)
{
	switch (seen->kind) {
	case RESCUE_OBSERVED_LINE:
		on_line(run, watch, seen->line);
		return false;
	case RESCUE_OBSERVED_DEVICE:
		on_device(run, watch);
		return false;
	case RESCUE_OBSERVED_STOP:
		tell_guard(run, watch);
		return false;
	case RESCUE_OBSERVED_EXIT:
		note_exit(run, seen);
		return true;
	case RESCUE_OBSERVED_DEADLINE:
		return false;
	}
	return false;
}

static void
end_engine(RescueRun *run, RescueEngineEnd why)
{
	const RescuePorts *ports = run->ports;

	run->evidence->end = why;
	ports->engine->end(ports->engine_self);
}

/* SIGKILL was sent long ago: something in the kernel holds it. No second engine may start beside it. */
static void
give_engine_up(RescueRun *run)
{
	run->evidence->end = RESCUE_END_PATIENCE;
	if (run->broken == NULL)
		g_set_error(&run->broken, RESCUE_ERROR, RESCUE_FAILURE_ENGINE_STUCK,
			    "the engine (process %d) does not end even when it is killed; restart "
			    "this computer",
			    (int)run->engine.pid);
}

static void
watch_engine(RescueRun *run)
{
	Watch watch = { .phase = RESCUE_PHASE_DETECT,
			.told = -1,
			.progress_us = rescue_run_now_us(run) };
	int64_t kill_us = 0; /* when an engine that was ended has to be gone */
	bool ended = false;

	enter_phase(run, &watch, RESCUE_PHASE_DETECT);
	while (!ended) {
		RescueWatchDecision next = decide(run, &watch);
		if (next.end && kill_us == 0) {
			end_engine(run, next.why);
			kill_us = rescue_run_now_us(run) + (int64_t)KILL_MS * MS;
		}
		g_autoptr(RescueObservation)
		    seen = rescue_run_next(run, kill_us != 0 ? kill_us : next.deadline_us);
		if (seen != NULL)
			ended = take(run, &watch, seen);
		else if (kill_us != 0 && (ended = rescue_run_now_us(run) >= kill_us))
			give_engine_up(run);
	}
}

/* Watches the engine that runs now to its end; true when it says that the restore is finished. */
static bool
follow_engine(RescueRun *run)
{
	const RescuePorts *ports = run->ports;

	run->evidence->transcript = rescue_transcript_new(run->engine.dialect);
	watch_engine(run);
	ports->devices->set_busy(ports->devices_self, run->job->ecid, false);
	rescue_run_look(run);
	run->evidence->mode = run->device->mode;
	return rescue_transcript_says_restored(run->evidence->transcript);
}

bool
rescue_run_attempt(RescueRun *run)
{
	const RescuePorts *ports = run->ports;

	rescue_run_look(run);
	if (start_engine(run))
		return follow_engine(run);
	ports->devices->set_busy(ports->devices_self, run->job->ecid, false);
	run->evidence->phase = RESCUE_PHASE_PREFLIGHT;
	return false;
}

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

bool
rescue_run_adopt(RescueRun *run)
{
	const RescuePorts *ports = run->ports;

	take_over(run);
	ports->devices->set_busy(ports->devices_self, run->job->ecid, true);
	rescue_run_look(run);
	/* what should boot in the end; the archive may be gone by now, the engine is followed all the same */
	run->firmware = ports->inspect->inspect(ports->inspect_self, run->job->ipsw, NULL);
	if (ports->engine->adopt(ports->engine_self, &run->engine, &run->evidence->error)) {
		rescue_run_say(run,
			       rescue_event_attempt(run->attempt, run->engine.version, "adopted"));
		return follow_engine(run);
	}
	ports->devices->set_busy(ports->devices_self, run->job->ecid, false);
	return false;
}
