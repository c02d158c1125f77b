/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/state.h"

#include "core/model/port.h"

/*
 * The bus that the device shares with those of other jobs. Who failed while it was sent something gets it alone for its
 * next attempt, until the system image is over; who begins meanwhile waits. Nobody who runs is touched.
 */

#define MS      1000 /* microseconds */
#define LOOK_MS 1000 /* nobody tells that a turn was given back */

/* that many bytes go over the bus in these */
static bool
is_sending(RescuePhase phase)
{
	return phase == RESCUE_PHASE_SEND_BOOTLOADER || phase == RESCUE_PHASE_BOOT_RAMDISK ||
	       phase == RESCUE_PHASE_FILESYSTEM;
}

static unsigned
bus_of(const RescueRun *run)
{
	return run->ports->bus != NULL ? rescue_port_bus(run->port) : 0;
}

bool
rescue_run_shares_bus(const RescueRun *run)
{
	unsigned bus = bus_of(run);
	g_autofree char *others = bus != 0 && is_sending(run->evidence->phase)
				      ? run->ports->bus->others(run->ports->bus_self, bus)
				      : NULL;

	return others != NULL;
}

static void
tell_wait(RescueRun *run, unsigned bus, bool alone)
{
	g_autofree char *others = run->ports->bus->others(run->ports->bus_self, bus);
	g_autofree char *text =
	    g_strdup_printf(alone ? "waiting until no other job uses USB bus %u (%s)"
				  : "waiting for USB bus %u: a job that has failed there has it to "
				    "itself (%s)",
			    bus, others != NULL ? others : "it is just beginning");

	rescue_run_say(run, rescue_event_note(RESCUE_PHASE_UNKNOWN, text));
}

/* False at the deadline, or when stopped. */
static bool
await_turn(RescueRun *run, unsigned bus, bool alone)
{
	const RescuePorts *ports = run->ports;
	int64_t most_ms = MIN(run->job->policy->bus_ms, rescue_run_ms_left(run));
	int64_t deadline_us = rescue_run_now_us(run) + most_ms * MS;
	bool told = false;

	while (!ports->bus->take(ports->bus_self, bus, alone)) {
		if (!told)
			tell_wait(run, bus, alone);
		told = true;
		if (rescue_run_now_us(run) >= deadline_us || !rescue_run_pause(run, LOOK_MS))
			return false;
	}
	return true;
}

bool
rescue_run_have_bus_alone(RescueRun *run)
{
	unsigned bus = bus_of(run);

	if (bus != 0 && await_turn(run, bus, true)) {
		run->alone_on = bus;
		return true;
	}
	rescue_run_leave_bus(run);
	return false;
}

/* who waited long enough goes on: the others are not forbidden anything, they are asked to wait */
void
rescue_run_enter_bus(RescueRun *run)
{
	unsigned bus = bus_of(run);

	if (bus == 0 || run->alone_on == bus)
		return;
	run->alone_on = 0;
	(void)await_turn(run, bus, false);
}

void
rescue_run_share_bus(RescueRun *run)
{
	if (run->alone_on != 0)
		run->ports->bus->share(run->ports->bus_self);
	run->alone_on = 0;
}

void
rescue_run_leave_bus(RescueRun *run)
{
	if (run->ports->bus != NULL)
		run->ports->bus->give_back(run->ports->bus_self);
	run->alone_on = 0;
}
