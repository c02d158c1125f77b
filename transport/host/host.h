/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/doctor/local.h"
#include "core/doctor/usb.h"

/** All about USB. Runs the loop for some seconds; opens no device. `port` (NULL: any) is borrowed by the facts. */
void rescue_host_look_at_usb(const char *port, RescueUsbFacts *ret_facts);
/** Rights and room of one folder; it need not exist yet. The path is borrowed by the facts. */
void rescue_host_look_at_folder(RescueFolder folder, const char *path, RescueFindings *report);

/** RescueUsbBus, one for each root hub. Caller owns. */
GPtrArray *rescue_host_list_buses(void);
/** char *: sockets of USB 2 with nothing in them, by the kernel's names, as far as sysfs tells. Caller owns. */
GPtrArray *rescue_host_list_free_ports(void);
/** Something is plugged in there. */
bool rescue_host_port_is_used(const char *port);

/** An idevicerestore runs that may use the usbmuxd that we use. */
bool rescue_host_runs_engine(void);
/**
 * There is a way to restart usbmuxd that we may go: `command` (words, quoted as in a shell), or when that is NULL the
 * service of this computer, for root, unless another socket was chosen.
 */
bool rescue_host_can_restart_usbmuxd(const char *command);
/** Goes it, within half a minute. Whether usbmuxd then answers is another question. HOST_IO. Runs the loop. */
bool rescue_host_restart_usbmuxd(const char *command, GError **error);

/* Inner part of transport/host. */

/** Apple's devices; false when there is no USB. Adds RescueUsbDevice. */
bool rescue_host_read_bus(GPtrArray *devices);
/** Notes who has the device's node open, except usbmuxd and ourselves. */
void rescue_host_find_holders(RescueUsbDevice *device);
/** Process ids, char *, of those that are called so and live. */
void rescue_host_find_processes(const char *name, GPtrArray *pids);
/** Adds what the kernel said about USB since `since_us` of its own clock; false when it may not be read. */
bool rescue_host_read_kernel(int64_t since_us, GPtrArray *lines);
/** The text of a record of /dev/kmsg ("6,339,5140900,-;usb 1-2: …") about USB that is not older; else NULL. Pure. */
const char *rescue_host_read_record(const char *record, int64_t since_us);
