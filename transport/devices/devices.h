/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/port/ports.h"
#include "core/process/inbox.h"

/*
 * The devices on this host's bus: the kernel's and usbmuxd's news merged, the agent asked where they do not say enough.
 * Everything happens on the default main context.
 */
typedef struct RescueDevices RescueDevices;

typedef struct {
	RescueInbox *inbox; /* gets each change as an observation; may be NULL; borrowed */
	/** Each change, mode absent when it left; the device is borrowed. May be NULL. */
	void (*on_change)(const RescueDevice *device, void *data);
	void *data;
	/** Where UDIDs are learned; NULL: nowhere. */
	const char *state_dir;
	/** NULL: the one beside this program or in PATH; "": nobody is ever asked. */
	const char *agent_program;
} RescueDevicesSpec;

extern const RescueDevicePort rescue_devices_port; /* self is a RescueDevices */

/** What is attached is seen at once; what usbmuxd and the agent know follows, list() and find() wait for it. */
RescueDevices *rescue_devices_new(const RescueDevicesSpec *spec, GError **error);
/** Accepts NULL. */
void rescue_devices_free(RescueDevices *devices);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueDevices, rescue_devices_free)
/** Everything attached as it is known now, RescueDevice; waits for nothing. Caller owns. */
GPtrArray *rescue_devices_known(const RescueDevices *devices);
/** Only this device matters from now on (0: all do): others are seen, but not asked for what watching does not tell. */
void rescue_devices_attend(RescueDevices *devices, RescueEcid ecid);
/** The mode was concluded from what an engine does next, not asked for: query it once the engine has ended. */
bool rescue_devices_is_inferred(const RescueDevices *devices, RescueEcid ecid);
