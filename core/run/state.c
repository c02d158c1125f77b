/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/state.h"

#define MS 1000 /* microseconds */
/* A job of a line tells at least so often that it lives. */
#define ALIVE_MS 30000

/* iOS runs, or may be running on unseen */
#define RUNS_IOS (1u << RESCUE_MODE_NORMAL | 1u << RESCUE_MODE_ABSENT | 1u << RESCUE_MODE_UNKNOWN)

void
rescue_run_state_init(RescueRun *run, const RescueRunSpec *spec)
{
	const RescueResume *resume = spec->resume;

	*run = (RescueRun){
		.job = spec->job,
		.ports = spec->ports,
		.resume = resume,
		.listener = spec->listener,
		.listener_data = spec->data,
		.seq = resume != NULL ? resume->seq : 0,
		.attempt = resume != NULL ? resume->attempts : 0,
		.reached_restore = resume != NULL && resume->reached_restore,
		.erased = resume != NULL && resume->erased,
		.device = rescue_device_new(),
		.first_mode = RESCUE_MODE_ABSENT,
		.step = RESCUE_PHASE_LAST,
		.evidence = rescue_evidence_new(),
		.tried = g_array_new(FALSE, FALSE, sizeof(RescueTried)),
		.refused = g_ptr_array_new_with_free_func(g_free),
	};
	run->device->ecid = spec->job->ecid;
	run->device->mode = RESCUE_MODE_ABSENT;
	run->started_us = rescue_run_now_us(run) - (resume != NULL ? resume->spent_ms : 0) * MS;
	if (resume != NULL && resume->tried != NULL)
		g_array_append_vals(run->tried, resume->tried->data, resume->tried->len);
}

static void
free_event(gpointer event)
{
	rescue_json_free(event);
}

void
rescue_run_state_clear(RescueRun *run)
{
	g_clear_error(&run->broken);
	g_clear_error(&run->stuck);
	g_clear_error(&run->cut_short);
	g_queue_clear_full(&run->late, free_event);
	rescue_device_free(run->device);
	g_free(run->port);
	g_free(run->did);
	rescue_policy_free(run->own_policy);
	rescue_firmware_free(run->firmware);
	rescue_release_free(run->release);
	g_free(run->fetched_path);
	g_free(run->peeked);
	g_free(run->image);
	g_free(run->image_member);
	rescue_engine_run_clear(&run->engine);
	rescue_evidence_free(run->evidence);
	g_array_unref(run->tried);
	g_ptr_array_unref(run->refused);
	g_free(run->booted_version);
	g_free(run->booted_build);
}

void
rescue_run_forget(RescueRun *run)
{
	rescue_evidence_free(run->evidence);
	run->evidence = rescue_evidence_new();
}

RescueJob *
rescue_run_own_job(RescueRun *run)
{
	if (run->job != &run->own_job)
		run->own_job = *run->job;
	run->job = &run->own_job;
	return &run->own_job;
}

int64_t
rescue_run_now_us(const RescueRun *run)
{
	return rescue_clock_monotonic_us(run->ports->clock);
}

int64_t
rescue_run_ms_left(const RescueRun *run)
{
	return run->job->policy->deadline_ms - (rescue_run_now_us(run) - run->started_us) / MS;
}

static void
note_device(RescueRun *run, const RescueDevice *seen)
{
	bool moved = seen->mode != run->device->mode;

	rescue_device_update(run->device, seen);
	if (seen->place.port != NULL)
		rescue_set_string(&run->port, seen->place.port);
	run->trusted &= (RUNS_IOS & (1u << seen->mode)) != 0;
	if (!moved)
		return;
	rescue_evidence_add_mode(run->evidence, seen->mode);
	rescue_run_say(run, rescue_event_device(run->device));
}

/* Other jobs' phones are none of our business. */
static bool
is_ours(const RescueRun *run, const RescueObservation *observation)
{
	return observation->kind != RESCUE_OBSERVED_DEVICE ||
	       observation->device->ecid == run->job->ecid;
}

/* Until when nothing needs to be said. */
static int64_t
quiet_until_us(const RescueRun *run)
{
	return run->ports->turns != NULL ? run->said_us + (int64_t)ALIVE_MS * MS : INT64_MAX;
}

RescueObservation *
rescue_run_next(RescueRun *run, int64_t deadline_us)
{
	for (;;) {
		int64_t until_us = MIN(deadline_us, quiet_until_us(run));
		g_autoptr(RescueObservation)
		    seen = run->ports->inbox->next(run->ports->inbox_self, until_us);
		if (seen->kind == RESCUE_OBSERVED_DEADLINE && until_us < deadline_us) {
			rescue_run_say(run, rescue_event_alive(run->step));
			continue;
		}
		if (!is_ours(run, seen))
			continue;
		if (seen->kind == RESCUE_OBSERVED_DEVICE)
			note_device(run, seen->device);
		else if (seen->kind == RESCUE_OBSERVED_STOP)
			run->stops++;
		return seen->kind == RESCUE_OBSERVED_DEADLINE ? NULL : g_steal_pointer(&seen);
	}
}

bool
rescue_run_pause(RescueRun *run, int ms)
{
	int64_t deadline_us = rescue_run_now_us(run) + (int64_t)ms * MS;

	while (run->stops == 0 && rescue_run_now_us(run) < deadline_us) {
		g_autoptr(RescueObservation) seen = rescue_run_next(run, deadline_us);
		(void)seen; /* noted in the state; a pause waits for nothing else */
	}
	return run->stops == 0;
}

void
rescue_run_look(RescueRun *run)
{
	g_autoptr(RescueDevice)
	    seen = run->ports->devices->find(run->ports->devices_self, run->job->ecid);
	note_device(run, seen);
}

bool
rescue_run_wait_mode(RescueRun *run, unsigned modes, int ms)
{
	int64_t deadline_us = rescue_run_now_us(run) + (int64_t)ms * MS;

	rescue_run_look(run);
	while ((modes & (1u << run->device->mode)) == 0) {
		if (run->stops > 0 || rescue_run_now_us(run) >= deadline_us)
			return false;
		g_autoptr(RescueObservation) seen = rescue_run_next(run, deadline_us);
		(void)seen; /* noted in the state */
	}
	return true;
}
