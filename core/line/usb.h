/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The USB tree as far as a line needs it. A place is a chain of port numbers below a root hub, as the kernel names it:
 * "1-2.3.4" is port 4 of the hub on port 3 of the hub on port 2 of bus 1. Bus numbers depend on the order in which a
 * computer finds its controllers, so a station file may name the controller instead: "0000:00:14.0/2.3.4" is in the
 * USB 2 half of that controller, "0000:00:14.0/ss/2.3.4" in its SuperSpeed half, whose ports have their own numbers.
 */

/** A root port and at most five hubs (USB 2.0 allows seven tiers with the host and the device). */
#define RESCUE_USB_DEPTH 6u

typedef struct {
	char *controller; /* NULL: `bus` says it. Owned */
	bool super_speed; /* with a controller: its faster half */
	unsigned bus;     /* 0: `controller` says it */
	unsigned depth;   /* numbers in `chain`, 1 to RESCUE_USB_DEPTH */
	uint8_t chain[RESCUE_USB_DEPTH];
} RescueUsbPlace;

/** One root hub of this computer; a fact, not configuration. */
typedef struct {
	unsigned number; /* 1 for usb1 */
	/* "0000:00:14.0", the same for both halves of one; NULL: not known */
	char *controller;
	unsigned speed_mbit; /* 480, 5000, …; 0: not known */
} RescueUsbBus;

/** "1-2.3.4", "0000:00:14.0/2.3.4" or "0000:00:14.0/ss/2.3.4"; BAD_INPUT. Caller clears `ret_place`. */
bool rescue_usb_place_parse(const char *text, RescueUsbPlace *ret_place, GError **error);
void rescue_usb_place_clear(RescueUsbPlace *place);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueUsbPlace, rescue_usb_place_clear)
/** As it was parsed; caller frees. */
char *rescue_usb_place_format(const RescueUsbPlace *place);
/** True when `place` is `hub` itself or hangs below it. `buses` (RescueUsbBus) joins the two ways of naming a bus. */
bool rescue_usb_place_is_at_or_below(const RescueUsbPlace *place, const RescueUsbPlace *hub,
				     const GPtrArray *buses);
/** True when both name one port. */
bool rescue_usb_place_is(const RescueUsbPlace *a, const RescueUsbPlace *b, const GPtrArray *buses);
/** The bus of a place, by its number or as the named half of a controller; NULL when there is none. Borrowed. */
const RescueUsbBus *rescue_usb_bus_of(const RescueUsbPlace *place, const GPtrArray *buses);

RescueUsbBus *rescue_usb_bus_new(unsigned number, const char *controller, unsigned speed_mbit);
void rescue_usb_bus_free(RescueUsbBus *bus);
