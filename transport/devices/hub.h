/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** How a hub switches the power of its ports (USB 2.0, 11.23.2.1: bits 0 and 1 of wHubCharacteristics). */
typedef enum {
	RESCUE_HUB_UNKNOWN,    /* it could not be asked, or answered nonsense */
	RESCUE_HUB_GANGED,     /* all ports together */
	RESCUE_HUB_SINGLE,     /* each port by itself */
	RESCUE_HUB_UNSWITCHED, /* not at all */
} RescueHubSwitching;

/** What a hub's class descriptor (0x29, or 0x2a above 5 Gbit/s) says. Pure. */
RescueHubSwitching rescue_hub_read(const uint8_t *descriptor, size_t size);
/**
 * Asks the hub "1-1", or "usb1", by the node that the kernel has for it; none of the devices behind it is opened.
 * UNKNOWN also when this user may not. At most a second.
 */
RescueHubSwitching rescue_hub_ask(const char *sysfs, const char *hub);
