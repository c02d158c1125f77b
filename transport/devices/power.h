/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/port/ports.h"
#include "transport/devices/hub.h"

/*
 * The USB ports of this computer. A port is switched by the kernel's own "disable" attribute (Linux 6.0), which is
 * there whatever the hub can do; so only on a hub that says that it switches each port by itself, or all together and
 * there is nothing else behind it. One that switches nothing would lose the device: the kernel has forgotten it, and
 * the hub has nothing new to tell. Where there is no such attribute, by uhubctl, and then only on a hub that switches
 * each port by itself and has nothing else plugged into it, since many hubs only claim to and cut all.
 *
 * A port that is off belongs to a child that outlives us and switches it on again, and to a note beside the ECID locks
 * (core/process/note.h): should that child die too, whoever comes next switches it on.
 */
typedef struct RescuePower RescuePower;

extern const RescuePowerPort rescue_power_port; /* self is a RescuePower */

/** `sysfs` NULL: /sys; tests have one of their own. */
RescuePower *rescue_power_new(const char *sysfs);
/** How a hub is asked; see rescue_hub_ask(). */
typedef RescueHubSwitching (*RescueHubAsk)(const char *sysfs, const char *hub);
/** For tests, in whose sysfs there is no hub to be asked. */
void rescue_power_set_ask(RescuePower *power, RescueHubAsk ask);
/** Accepts NULL. */
void rescue_power_free(RescuePower *power);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescuePower, rescue_power_free)
/**
 * Switches on the ports that somebody left off who died meanwhile: those that are on now. Where we may not, the note
 * stays. Caller frees; never NULL.
 */
GStrv rescue_power_recover(RescuePower *power);
/** The ports that were left off so; nothing is changed. Caller frees; never NULL. */
GStrv rescue_power_list_off(void);
/**
 * "1-1.4" is port 4 of hub "1-1", "1-2" is port 2 of the root hub "usb1"; the attribute's path below sysfs, NULL for
 * what is no port. Pure; caller frees.
 */
char *rescue_power_disable_path(const char *port);
/** Whether what uhubctl says of a hub ("… 4 ports, ppps]") claims that it switches each port by itself. Pure. */
bool rescue_power_claims_single(const char *uhubctl_output);
