/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/state.h"

/*
 * The engine's word is not success: the phone has to leave restore mode, come up in normal mode by itself, and report
 * the build that was sent. A first boot takes minutes.
 */

#define MS           1000 /* microseconds */
#define ASK_AGAIN_MS 2000 /* the services of a phone that has just booted need a moment */

static bool
is_wanted_build(RescueRun *run, GError **error)
{
	if (run->firmware == NULL) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_BOOT_NOT_SEEN,
			    "the device runs %s; whether that was wanted cannot be told, as %s "
			    "cannot be read any more",
			    run->booted_build, run->job->ipsw);
		return false;
	}
	if (g_strcmp0(run->booted_build, run->firmware->build) == 0)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_WRONG_BUILD, "the device runs %s, not %s",
		    run->booted_build, run->firmware->build);
	return false;
}

static bool
ask_build(RescueRun *run)
{
	const RescuePorts *ports = run->ports;
	g_autoptr(RescueDevice) answer = NULL;

	if (!ports->devices->query(ports->devices_self, run->job->ecid, &answer, NULL))
		return false;
	rescue_device_update(run->device, answer);
	if (answer->mode != RESCUE_MODE_NORMAL || answer->build == NULL)
		return false;
	run->evidence->boot_seen = true;
	rescue_set_string(&run->evidence->build_seen, answer->build);
	rescue_set_string(&run->booted_build, answer->build);
	rescue_set_string(&run->booted_version, answer->version);
	rescue_run_say_after(run, answer);
	return true;
}

static bool
fell_back(const RescueRun *run)
{
	return run->device->mode == RESCUE_MODE_RECOVERY || run->device->mode == RESCUE_MODE_DFU;
}

/* True when it has booted; false at the deadline, when stopped, or when it sits in its boot loader. */
static bool
wait_boot(RescueRun *run, int64_t deadline_us)
{
	const unsigned mux = 1u << RESCUE_MODE_NORMAL | 1u << RESCUE_MODE_RESTORE |
			     1u << RESCUE_MODE_UNKNOWN;
	const unsigned loader = 1u << RESCUE_MODE_RECOVERY | 1u << RESCUE_MODE_DFU;

	while (rescue_run_now_us(run) < deadline_us) {
		int left_ms = (int)((deadline_us - rescue_run_now_us(run)) / MS) + 1;
		if (!rescue_run_wait_mode(run, mux | loader, left_ms) || fell_back(run))
			return false;
		if (ask_build(run))
			return true;
		if (!rescue_run_pause(run, MIN(ASK_AGAIN_MS, left_ms)))
			return false;
	}
	return false;
}

bool
rescue_run_confirm(RescueRun *run)
{
	RescueEvidence *evidence = run->evidence;
	int64_t deadline_us = rescue_run_now_us(run) + (int64_t)run->job->policy->boot_ms * MS;

	rescue_run_step(run, RESCUE_PHASE_CONFIRM);
	evidence->phase = RESCUE_PHASE_CONFIRM;
	bool booted = wait_boot(run, deadline_us);
	evidence->mode = run->device->mode;
	if (booted)
		return is_wanted_build(run, &evidence->error);
	if (fell_back(run))
		g_set_error(&evidence->error, RESCUE_ERROR, RESCUE_FAILURE_BOUNCED,
			    "after the restore the device came back in %s mode",
			    rescue_mode_name(run->device->mode));
	else
		g_set_error(&evidence->error, RESCUE_ERROR, RESCUE_FAILURE_BOOT_NOT_SEEN,
			    "the device was not seen running iOS after the restore");
	return false;
}
