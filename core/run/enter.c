/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/state.h"

/*
 * Out of iOS. Since iOS 14.5 only a computer that the owner trusts may send a phone into recovery mode. The first
 * generation of engines knows nothing of that and even gives up the pairing before it asks, so the job gains the trust
 * and enters recovery mode itself; an update with a later engine begins in iOS, where it has the passcode asked for.
 */

#define MS           1000 /* microseconds */
#define ASK_AGAIN_MS 1000 /* nothing on the bus tells that somebody has tapped on Trust */
#define NEEDS_TRUST  "14.5"
#define TRUST_PROMPT "unlock the device, and tap Trust when it asks"
#define IN_RECOVERY  (1u << RESCUE_MODE_RECOVERY)

static bool
wants_trust(const RescueDevice *device)
{
	return device->version == NULL || rescue_version_compare(device->version, NEEDS_TRUST) >= 0;
}

static bool
needs_trust(const RescueRun *run)
{
	return run->device->mode == RESCUE_MODE_NORMAL && !run->trusted && wants_trust(run->device);
}

/* What the device said, unless it is gone or we were stopped; takes `refusal`. */
static bool
fail(RescueRun *run, GError *refusal, RescueFailure otherwise, const char *text, GError **error)
{
	g_autoptr(GError) said = refusal;

	rescue_run_look(run);
	if (run->stops > 0)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_CANCELLED, "stopped");
	else if (run->device->mode == RESCUE_MODE_ABSENT)
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DEVICE_VANISHED,
			    "the device left the bus before it was in recovery mode");
	else if (said != NULL)
		g_propagate_error(error, g_steal_pointer(&said));
	else
		g_set_error_literal(error, RESCUE_ERROR, (int)otherwise, text);
	return false;
}

static bool
fail_unanswered(RescueRun *run, GError *refusal, GError **error)
{
	return fail(run, refusal, RESCUE_FAILURE_DEVICE_UNTRUSTED,
		    "the device asks whether to trust this computer, and nobody has answered",
		    error);
}

/* Until it is time to ask again; false at the deadline, or when stopped. */
static bool
wait_for_owner(RescueRun *run, int64_t deadline_us)
{
	int64_t now_us = rescue_run_now_us(run);
	int64_t again_us = MIN(deadline_us, now_us + (int64_t)ASK_AGAIN_MS * MS);
	RescueMode mode = run->device->mode;

	while (run->stops == 0 && rescue_run_now_us(run) < again_us && run->device->mode == mode) {
		g_autoptr(RescueObservation) seen = rescue_run_next(run, again_us);
		(void)seen; /* noted in the state */
	}
	return run->stops == 0 && rescue_run_now_us(run) < deadline_us;
}

/* True when it is trusted, or gone from iOS to where no trust is needed. A patient one bears a no, too. */
static bool
ask_until(RescueRun *run, int64_t deadline_us, bool patient, GError **error)
{
	const RescuePorts *ports = run->ports;
	bool told = patient;

	while (run->device->mode == RESCUE_MODE_NORMAL || run->device->mode == RESCUE_MODE_ABSENT) {
		RescueTrust trust = RESCUE_TRUST_UNKNOWN;
		GError *no = NULL;
		bool said = ports->devices->pair(ports->devices_self, run->job->ecid, &trust, &no);
		run->trusted = said && trust == RESCUE_TRUST_GIVEN;
		if (run->trusted)
			return true;
		if (!said && !patient)
			return fail_unanswered(run, no, error);
		if (!told)
			rescue_run_say(run, rescue_event_operator(TRUST_PROMPT,
								  (deadline_us -
								   rescue_run_now_us(run)) /
								      MS));
		told = true;
		if (!wait_for_owner(run, deadline_us))
			return fail_unanswered(run, no, error);
		g_clear_error(&no);
	}
	return true;
}

bool
rescue_run_gain_trust(RescueRun *run, GError **error)
{
	int patience_ms = run->job->policy->patience_ms[RESCUE_PHASE_ENTER_RECOVERY];

	if (!needs_trust(run) || run->job->dry_run)
		return true;
	rescue_run_step(run, RESCUE_PHASE_ENTER_RECOVERY);
	return ask_until(run, rescue_run_now_us(run) + (int64_t)patience_ms * MS, false, error);
}

bool
rescue_run_await_trust(RescueRun *run, int ms)
{
	rescue_run_look(run);
	return ask_until(run, rescue_run_now_us(run) + (int64_t)ms * MS, true, NULL);
}

/*
 * For an update it has the passcode asked for, which only iOS can do. Where the first generation would be refused on
 * its way out of iOS, the update begins in recovery mode, as it does for everybody whose phone starts no more.
 */
static bool
engine_begins_in_ios(const RescueRun *run)
{
	return run->job->behavior == RESCUE_BEHAVIOR_UPDATE &&
	       (run->engine.dialect == RESCUE_DIALECT_1_0_1 || !wants_trust(run->device));
}

bool
rescue_run_enter_recovery(RescueRun *run, GError **error)
{
	const RescuePorts *ports = run->ports;
	int patience_ms = run->job->policy->patience_ms[RESCUE_PHASE_ENTER_RECOVERY];
	GError *refusal = NULL;

	if (run->device->mode != RESCUE_MODE_NORMAL)
		return true;
	rescue_run_step(run, RESCUE_PHASE_ENTER_RECOVERY);
	if (!rescue_run_gain_trust(run, error))
		return false;
	if (run->device->mode != RESCUE_MODE_NORMAL)
		return true;
	if (run->broken != NULL) { /* what cannot be journalled is not done */
		g_propagate_error(error, g_error_copy(run->broken));
		return false;
	}
	if (ports->devices->act(ports->devices_self, run->job->ecid, RESCUE_ACTION_ENTER_RECOVERY,
				&refusal) &&
	    rescue_run_wait_mode(run, IN_RECOVERY, patience_ms))
		return true;
	return fail(run, refusal, RESCUE_FAILURE_RECOVERY_REFUSED,
		    "the device took the command to go into recovery mode, and did not go there",
		    error);
}

bool
rescue_run_open_door(RescueRun *run, GError **error)
{
	return engine_begins_in_ios(run) ? rescue_run_gain_trust(run, error)
					 : rescue_run_enter_recovery(run, error);
}
