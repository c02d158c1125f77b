/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/model/device.h"

/*
 * A device in recovery or DFU mode. It is found in sysfs by its ECID and only its own node is opened, through libusb:
 * libirecovery 1.0.0 would open every recovery device of the host and read a list that it has freed (README.md).
 */
typedef struct RescueIboot RescueIboot;

/** Looks without opening anything. Fills mode, place and what the serial string says in; false: not there. */
bool rescue_iboot_find(RescueEcid ecid, RescueDevice *device);
/** Opens the device that rescue_iboot_find() found; checks once more that it is that one. */
RescueIboot *rescue_iboot_open(const RescueDevice *device, GError **error);
/** Accepts NULL. */
void rescue_iboot_free(RescueIboot *iboot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueIboot, rescue_iboot_free)
/** One command of the boot loader; success: the device took it. */
bool rescue_iboot_command(RescueIboot *iboot, const char *command, GError **error);
/** Like rescue_iboot_command(); that the device leaves the bus meanwhile is a success too. */
bool rescue_iboot_reboot(RescueIboot *iboot, GError **error);
/** A reset of its port; that it comes back as a new device is a success too. */
bool rescue_iboot_usb_reset(RescueIboot *iboot, GError **error);
/** A variable of the boot loader; caller frees, "" when it is not set. */
char *rescue_iboot_getenv(RescueIboot *iboot, const char *name, GError **error);
