/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/doctor/findings.h"

/* USB of this computer as the kernel and usbmuxd show it: facts, and what they mean. */

typedef enum {
	RESCUE_MUX_UNASKED,
	RESCUE_MUX_FINE,
	RESCUE_MUX_ABSENT,
	RESCUE_MUX_DENIED,
	RESCUE_MUX_SILENT,
} RescueMuxState;

/** One device of Apple's, or the one that is asked for. Strings owned, NULL when not known. */
typedef struct {
	char *port; /* "1-2.4" */
	unsigned bus;
	unsigned speed_mbit;  /* 0: not known */
	unsigned usb_version; /* what the device offers, in BCD: 0x0200; 0: not known */
	char *power_control;  /* "on", "auto" */
	char *node;           /* /dev/bus/usb/001/004 */
	bool node_denied;
	GPtrArray *holders; /* char *: programs that have it open, "name (pid)" */
} RescueUsbDevice;

void rescue_usb_device_free(RescueUsbDevice *device);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueUsbDevice, rescue_usb_device_free)

typedef struct {
	bool usb;                 /* there is a USB bus at all */
	const char *port;         /* look at this one only; NULL: at all. Borrowed */
	GPtrArray *devices;       /* RescueUsbDevice */
	unsigned usbfs_memory_mb; /* 0: not known */
	RescueMuxState mux;
	char *mux_why;
	GPtrArray *mux_processes; /* char *: pids */
	char *mux_version;        /* NULL: not known */
	GPtrArray *kernel_lines;  /* char *: of the last hour, about USB */
	bool kernel_unreadable;
	char **ports_off; /* ports that a killed job has left off; NULL: none */
} RescueUsbFacts;

/** Nothing is known yet. To be cleared. */
void rescue_usb_facts_init(RescueUsbFacts *facts);
void rescue_usb_facts_clear(RescueUsbFacts *facts);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueUsbFacts, rescue_usb_facts_clear)
/** Pure. */
void rescue_usb_judge(const RescueUsbFacts *facts, RescueFindings *report);
