/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/fake/internal.h"

#include "core/base/error.h"

/* The computer of a fake world. */

static bool
check_usbmuxd(void *self, GError **error)
{
	const RescueWorld *world = self;

	if (world->mux_is_dead) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_NO_USBMUXD, "it is dead");
		return false;
	}
	return !rescue_world_refuses(self, "check_usbmuxd", error);
}

static bool
check_space(void *self, uint64_t bytes, GError **error)
{
	((RescueWorld *)self)->asked_bytes = bytes;
	return !rescue_world_refuses(self, "check_space", error);
}

static bool
can_restart_usbmuxd(void *self, RescueEcid ecid)
{
	g_assert_true(ecid == ECID);
	return ((RescueWorld *)self)->restarts_mux;
}

static bool
restart_usbmuxd(void *self, GError **error)
{
	RescueWorld *world = self;

	g_assert_false(world->engine_runs);
	if (rescue_world_refuses(world, "restart_usbmuxd", error))
		return false;
	world->mux_is_dead = false;
	return true;
}

static uint64_t
free_bytes(void *self)
{
	return ((RescueWorld *)self)->free_bytes;
}

/* the one port of this world that has a label */
static char *
port_name(void *self, const char *port)
{
	return g_strcmp0(port, "1-3") == 0 ? g_strdup("A3") : NULL;
}

static char *
spare_ports(void *self, const char *port)
{
	return g_strdup("A3 (not used yet)");
}

const RescueHostPort rescue_world_host_port = {
	.check_usbmuxd = check_usbmuxd,
	.check_space = check_space,
	.can_restart_usbmuxd = can_restart_usbmuxd,
	.restart_usbmuxd = restart_usbmuxd,
	.free_bytes = free_bytes,
	.port_name = port_name,
	.spare_ports = spare_ports,
};

static char *
others(void *self, unsigned bus)
{
	const RescueWorld *world = self;

	g_assert_cmpuint(bus, ==, 1);
	return world->now_us < world->crowded_us ? g_strdup("20261122T100000-9f") : NULL;
}

static bool
take(void *self, unsigned bus, bool alone)
{
	RescueWorld *world = self;

	g_assert_false(world->engine_runs);
	(void)rescue_world_refuses(world, alone ? "take:alone" : "take", NULL);
	world->has_turn = world->now_us >= (alone ? world->crowded_us : world->claimed_us);
	return world->has_turn;
}

static void
share(void *self)
{
	(void)rescue_world_refuses(self, "share", NULL);
}

static void
give_back(void *self)
{
	((RescueWorld *)self)->has_turn = false;
}

const RescueBusPort rescue_world_bus_port = { others, take, share, give_back };

void
rescue_world_bus_is_crowded(RescueWorld *world, int ms)
{
	world->crowded_us = world->now_us + (int64_t)ms * MS;
}

void
rescue_world_bus_is_claimed(RescueWorld *world, int ms)
{
	world->claimed_us = world->now_us + (int64_t)ms * MS;
}

void
rescue_world_tells_battery(RescueWorld *world, unsigned percent)
{
	world->battery_percent = percent;
}

void
rescue_world_has_dead_usbmuxd(RescueWorld *world, bool may_restart)
{
	world->mux_is_dead = true;
	world->restarts_mux = may_restart;
}

uint64_t
rescue_world_asked_bytes(const RescueWorld *world)
{
	return world->asked_bytes;
}
