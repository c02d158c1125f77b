/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/fake/internal.h"

/* The phone, and the port that it is plugged into. */

static RescueDevice *
find(void *self, RescueEcid ecid)
{
	return rescue_world_phone(self, ((RescueWorld *)self)->mode);
}

static void
tell_owner(const RescueWorld *world, RescueOwner *owner)
{
	static const RescueOwner nobody = { .asked = true,
					    .activation = (char *)"Unactivated",
					    .find_my = RESCUE_ANSWER_OFF,
					    .activation_lock = RESCUE_ANSWER_OFF,
					    .locked = RESCUE_ANSWER_OFF,
					    .supervised = RESCUE_ANSWER_OFF };

	if (world->owner == NULL)
		return;
	owner->asked = true; /* a stranger is told no more than that there is somebody */
	if (world->now_us >= world->trust_us)
		rescue_owner_copy(owner, world->erases ? &nobody : world->owner);
}

static bool
query(void *self, RescueEcid ecid, RescueDevice **ret_device, GError **error)
{
	RescueWorld *world = self;

	g_assert_false(world->engine_runs); /* a phone whose engine runs is never queried */
	if (rescue_world_refuses(world, "query", error))
		return false;
	*ret_device = rescue_world_phone(world, world->mode);
	if (world->mode == RESCUE_MODE_NORMAL) {
		if (world->battery_percent != 0)
			(*ret_device)->battery_percent = world->battery_percent +
							 (unsigned)(world->now_us / 60 /
								    G_USEC_PER_SEC);
		(*ret_device)->version = g_strdup("15.0");
		(*ret_device)->build = g_strdup("19A346");
		tell_owner(world, &(*ret_device)->owner);
	}
	return true;
}

static bool
act(void *self, RescueEcid ecid, RescueAction action, GError **error)
{
	static const char *const names[] = {
		[RESCUE_ACTION_ENTER_RECOVERY] = "act:enter-recovery",
		[RESCUE_ACTION_LEAVE_RECOVERY] = "act:leave-recovery",
		[RESCUE_ACTION_REBOOT] = "act:reboot",
		[RESCUE_ACTION_AUTOBOOT_ON] = "act:autoboot-on",
		[RESCUE_ACTION_AUTOBOOT_OFF] = "act:autoboot-off",
		[RESCUE_ACTION_USB_RESET] = "act:usb-reset",
	};
	RescueWorld *world = self;

	g_assert_false(world->engine_runs);
	if (rescue_world_refuses(world, names[action], error))
		return false;
	if (action == RESCUE_ACTION_ENTER_RECOVERY)
		rescue_world_play(world, "wait 500\n mode absent\n wait 1000\n mode recovery");
	if (action == RESCUE_ACTION_REBOOT)
		rescue_world_play(world, "mode absent\n wait 1000\n mode recovery");
	if (action == RESCUE_ACTION_LEAVE_RECOVERY)
		rescue_world_play(world, "mode absent\n wait 1000\n mode normal");
	return true;
}

static bool
pair(void *self, RescueEcid ecid, RescueTrust *ret_trust, GError **error)
{
	RescueWorld *world = self;

	g_assert_false(world->engine_runs);
	if (rescue_world_refuses(world, "pair", error))
		return false;
	*ret_trust = world->now_us >= world->trust_us ? RESCUE_TRUST_GIVEN : RESCUE_TRUST_ASKING;
	return true;
}

static void
set_busy(void *self, RescueEcid ecid, bool busy)
{
}

static bool
has_power(void *self, const char *port)
{
	g_assert_nonnull(port);
	return ((RescueWorld *)self)->has_power;
}

/* it can be switched; nothing suspends it */
static bool
may_suspend(void *self, const char *port)
{
	return false;
}

static bool
cycle(void *self, const char *port, GError **error)
{
	RescueWorld *world = self;

	g_assert_false(world->engine_runs);
	if (rescue_world_refuses(world, "cycle", error))
		return false;
	rescue_world_play(world, world->mode == RESCUE_MODE_ABSENT
				     ? "wait 500\n mode recovery"
				     : "wait 500\n mode absent\n wait 500\n mode recovery");
	return true;
}

static bool
keep_awake(void *self, const char *port, GError **error)
{
	return !rescue_world_refuses(self, "keep_awake", error);
}

const RescueDevicePort rescue_world_device_port = {
	.find = find, .query = query, .act = act, .pair = pair, .set_busy = set_busy
};

const RescuePowerPort rescue_world_power_port = {
	.can_cycle = has_power, .cycle = cycle, .may_suspend = may_suspend, .keep_awake = keep_awake
};
