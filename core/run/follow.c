/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/state.h"
#include "core/run/watch.h"

/* A running engine is followed to its end, and everything seen of it kept as evidence. */

#define MS            1000 /* microseconds */
#define KILL_MS       30000 /* an engine that was told to end is gone by then, by SIGKILL if need be */
#define PROGRESS_STEP 0.005
#define RESTLESS      8 /* so often a phone changes its mode in one step of a restore that goes on */
#define FLOOD_MS      5000  /* an engine that writes without end is not read to its end */
#define REPLAY_MS     60000 /* nor is what it has written by now, when that takes so long */
#define SETTLE_MS     100   /* from what happens on the device to the engine's word about it */

/* What the watcher of one engine run keeps besides the evidence. */
typedef struct {
	uint64_t marks;
	int64_t progress_us, absent_us, said_us;
	unsigned moves; /* of the device, in this phase */
	bool left_since_phase, flashed;
	bool settled; /* what it had written when somebody wanted it to stop was read */
	bool guard_told;
	bool replaying; /* lines of an adopted engine from before its adoption */
	RescuePhase phase;
	double told; /* the fraction that was last told */
	RescueRunHold hold;
} Watch;

static void
tell_progress(RescueRun *run, Watch *watch)
{
	double fraction = rescue_transcript_fraction(run->evidence->transcript);
	bool is_image = watch->phase == RESCUE_PHASE_FILESYSTEM && run->firmware != NULL;
	uint64_t total = is_image ? run->firmware->os_image_bytes : 0;

	if (watch->replaying || fraction < 0 ||
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
	watch->moves = 0;
	watch->left_since_phase = false;
	/* what is flashed before the image (battery, storage) is done when the image is sent */
	watch->flashed = rescue_phase_is_guarded(phase) ||
			 (watch->flashed && phase != RESCUE_PHASE_FILESYSTEM);
	run->evidence->phase = phase;
	run->reached_restore |= phase >= RESCUE_PHASE_HANDSHAKE && phase <= RESCUE_PHASE_FINISH;
	if (phase == RESCUE_PHASE_VERIFY_FILESYSTEM)
		rescue_run_share_bus(run);
	if (!watch->replaying && !watch->hold.on)
		rescue_run_step(run, phase);
}

static void
on_line(RescueRun *run, Watch *watch, const char *line)
{
	RescueTranscript *transcript = run->evidence->transcript;
	RescuePhase phase;

	rescue_transcript_feed(transcript, line);
	/* one that was at it before we came is beyond it by now */
	watch->hold.was |= watch->replaying && rescue_transcript_sends_image(transcript);
	if (rescue_transcript_sends_image(transcript))
		rescue_run_hold(run, &watch->hold);
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

/*
 * A changed mode is a sign of life: whatever waits for it starts to count anew. One that comes and goes without end,
 * in a restart loop or at a bad cable, gets nowhere.
 */
static void
on_device(RescueRun *run, Watch *watch)
{
	bool absent = run->device->mode == RESCUE_MODE_ABSENT;

	if (watch->moves++ < RESTLESS)
		watch->progress_us = rescue_run_now_us(run);
	watch->left_since_phase |= absent;
	watch->absent_us = absent ? rescue_run_now_us(run) : 0;
	run->evidence->left_bus |= absent && watch->phase >= RESCUE_PHASE_HANDSHAKE &&
				   watch->phase <= RESCUE_PHASE_FINISH && watch->said_us == 0;
}

/* A disk that refuses the engine's words leaves us without its step: once it restores, it may well be flashing. */
static bool
is_flashed(const RescueRun *run, const Watch *watch)
{
	return watch->flashed || (run->blind && watch->phase >= RESCUE_PHASE_HANDSHAKE &&
				  watch->phase <= RESCUE_PHASE_FINISH);
}

/* Once, to who has asked to stop. */
static void
tell_guard(RescueRun *run, Watch *watch)
{
	g_autofree char *text =
	    g_strdup_printf("the device is being flashed (%s): this restore goes on to its end, "
			    "and no other attempt follows. Asking again ends the engine now, "
			    "which can leave a device that does not boot",
			    rescue_phase_text(watch->phase));

	if (run->stops != 1 || !is_flashed(run, watch) || watch->replaying || watch->guard_told)
		return;
	watch->guard_told = true;
	rescue_run_say(run, rescue_event_operator(text, 0));
}

static RescueWatchDecision
decide(const RescueRun *run, const Watch *watch)
{
	const RescueTranscript *transcript = run->evidence->transcript;
	RescueWatchFacts facts = {
		.phase = watch->phase,
		.mode = run->device->mode,
		.flashed = is_flashed(run, watch),
		.blind = run->blind,
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
	case RESCUE_OBSERVED_SIGNING:
		/* an engine that waits for its answer makes no progress, and is not stuck */
		if (rescue_run_note_signing(run, seen, !watch->replaying))
			watch->progress_us = rescue_run_now_us(run);
		return false;
	case RESCUE_OBSERVED_EXIT:
		note_exit(run, seen);
		return true;
	case RESCUE_OBSERVED_TURN:
		watch->hold.wait.granted = true;
		return false;
	case RESCUE_OBSERVED_FETCH: /* the last word of a download that is over */
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

static void
say_ending(RescueRun *run, RescueEngineEnd why)
{
	static const char *const reasons[] = {
		[RESCUE_END_STOPPED] = "stopped",
		[RESCUE_END_SAID_FAILED] = "said-failed",
		[RESCUE_END_MODE] = "mode",
		[RESCUE_END_PATIENCE] = "patience",
	};
	RescueJson *body = rescue_json_object_new();

	rescue_json_set_string(body, "event", "ending");
	rescue_json_set_string(body, "why", why < G_N_ELEMENTS(reasons) ? reasons[why] : NULL);
	rescue_run_say(run, body);
}

/*
 * Journalled before it is done. When that shows that the disk takes nothing, an engine's silence is no proof that it
 * hangs, and it gets more time.
 */
static bool
may_end(RescueRun *run, RescueEngineEnd why)
{
	const RescuePorts *ports = run->ports;
	bool was_blind = run->blind;

	say_ending(run, why);
	if (why != RESCUE_END_PATIENCE || was_blind)
		return true;
	run->blind |= !ports->host->check_space(ports->host_self, 0, NULL);
	return !run->blind;
}

/* SIGKILL was sent long ago: something in the kernel holds it. No second engine may start beside it. */
static void
give_engine_up(RescueRun *run)
{
	run->evidence->end = RESCUE_END_PATIENCE;
	if (run->stuck == NULL)
		g_set_error(&run->stuck, RESCUE_ERROR, RESCUE_FAILURE_ENGINE_STUCK,
			    "the engine (process %d) does not end even when it is killed; restart "
			    "this computer",
			    (int)run->engine.pid);
}

/*
 * What the engine of an earlier supervisor has said so far is taken in before anything is decided: where the device
 * was
 * then says nothing about now. Whatever waits counts from here. True when the engine has ended.
 */
static bool
replay(RescueRun *run, Watch *watch)
{
	int64_t flood_us = rescue_run_now_us(run) + (int64_t)REPLAY_MS * MS;
	g_autoptr(RescueObservation) seen = NULL;
	bool ended = false;

	watch->replaying = true;
	while (!ended && rescue_run_now_us(run) < flood_us &&
	       (seen = rescue_run_next(run, rescue_run_now_us(run))) != NULL) {
		ended = take(run, watch, seen);
		g_clear_pointer(&seen, rescue_observation_free);
	}
	watch->replaying = false;
	watch->progress_us = rescue_run_now_us(run);
	watch->left_since_phase = false;
	if (watch->said_us != 0)
		watch->said_us = watch->progress_us;
	rescue_run_step(run, watch->phase);
	tell_guard(run, watch);
	return ended;
}

/*
 * Somebody wants it to stop. Whether the device is being flashed is decided by what the engine has written up to now,
 * not by what happens to have been read of it; and a little later, since its words come after the deed. True when the
 * engine has ended.
 */
static bool
settle(RescueRun *run, Watch *watch)
{
	const RescuePorts *ports = run->ports;
	int64_t until_us = rescue_run_now_us(run) + (int64_t)SETTLE_MS * MS;
	g_autoptr(RescueObservation) seen = NULL;
	bool ended = false;

	ports->engine->catch_up(ports->engine_self);
	while (!ended && rescue_run_now_us(run) < until_us + (int64_t)FLOOD_MS * MS &&
	       (seen = rescue_run_next(run, until_us)) != NULL) {
		ended = take(run, watch, seen);
		g_clear_pointer(&seen, rescue_observation_free);
	}
	watch->settled = true;
	tell_guard(run, watch);
	return ended;
}

/* Who stands still makes no progress: silence counts from when it goes on. */
static void
look_at_hold(RescueRun *run, Watch *watch, bool ended)
{
	bool away = watch->absent_us != 0 || run->device->mode == RESCUE_MODE_RECOVERY ||
		    run->device->mode == RESCUE_MODE_DFU;

	if (watch->hold.on)
		watch->progress_us = rescue_run_now_us(run);
	if (rescue_run_look_at_hold(run, &watch->hold, ended || away || watch->said_us != 0) &&
	    !ended)
		rescue_run_step(run, watch->phase);
}

/* When to look again, whether anything happens or not. */
static int64_t
next_look(const RescueRun *run, const Watch *watch, int64_t deadline_us)
{
	return watch->hold.on ? MIN(deadline_us, rescue_turn_next_look(&watch->hold.wait,
								       rescue_run_now_us(run)))
			      : deadline_us;
}

static void
watch_engine(RescueRun *run, bool adopted)
{
	/* a device that cannot be asked may be there unseen: only one that was seen to leave is absent */
	Watch watch = { .told = -1, .progress_us = rescue_run_now_us(run) };
	int64_t kill_us = 0; /* when an engine that was ended has to be gone */
	bool ended = false;

	watch.replaying = adopted;
	enter_phase(run, &watch, RESCUE_PHASE_DETECT);
	if (adopted)
		ended = replay(run, &watch);
	while (!ended) {
		look_at_hold(run, &watch, false);
		RescueWatchDecision next = decide(run, &watch);
		if (next.end && next.why == RESCUE_END_STOPPED && !watch.settled) {
			ended = settle(run, &watch);
			continue;
		}
		if (next.end && kill_us == 0 && may_end(run, next.why)) {
			end_engine(run, next.why);
			kill_us = rescue_run_now_us(run) + (int64_t)KILL_MS * MS;
		}
		g_autoptr(RescueObservation)
		    seen = rescue_run_next(run, kill_us != 0
						    ? kill_us
						    : next_look(run, &watch, next.deadline_us));
		if (seen != NULL)
			ended = take(run, &watch, seen);
		/* its end may still stand behind all that it has written */
		int64_t late_us = seen != NULL ? (int64_t)REPLAY_MS * MS : 0;
		if (!ended && kill_us != 0 && (ended = rescue_run_now_us(run) >= kill_us + late_us))
			give_engine_up(run);
	}
	look_at_hold(run, &watch, true);
}

/* Its last words did not fit on the disk; whether they were the right ones the device has to tell. */
static bool
finished_unheard(RescueRun *run)
{
	const RescueEvidence *evidence = run->evidence;
	bool by_itself = evidence->end == RESCUE_END_EXITED && evidence->exit_status == 0;

	if (!by_itself || !run->reached_restore ||
	    rescue_transcript_says_failed(evidence->transcript))
		return false;
	/* its lines and our journal do not always hit the last byte of the disk at the same time */
	run->blind |= !run->ports->host->check_space(run->ports->host_self, 0, NULL);
	return run->blind;
}

bool
rescue_run_follow_engine(RescueRun *run, bool adopted)
{
	const RescuePorts *ports = run->ports;
	bool restored;

	run->evidence->transcript = rescue_transcript_new(run->engine.dialect);
	watch_engine(run, adopted);
	ports->devices->set_busy(ports->devices_self, run->job->ecid, false);
	rescue_run_look(run);
	run->evidence->mode = run->device->mode;
	rescue_run_say_evidence(run);
	restored = rescue_transcript_says_restored(run->evidence->transcript) ||
		   finished_unheard(run);
	/* who asked to stop while it was flashed has waited for this, and is still told whether it boots */
	run->last_attempt |= restored && run->stops > 0;
	if (restored)
		run->stops = 0;
	return restored;
}
