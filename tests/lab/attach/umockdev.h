/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "tests/lab/phone/phone.h"
#include "tests/lab/record/record.h"

/*
 * USB without a kernel's USB: a directory that umockdev's preload library (0.17.16) shows to a
 * client in place of /sys and /dev, with usbfs nodes behind which this file answers. The preload
 * library's socket protocol is spoken here directly, on the default main context, so the lab needs
 * no thread, no libumockdev and no preload of its own: only its clients run under the preload
 * library. Any number of these may exist in one process, each with any number of phones; but
 * idevicerestore 1.0.0 crashes when it sees more than one USB device, so give it a bus of its own.
 * A phone may be attached to several.
 *
 * A client's environment must have, and must pass on to its own children:
 *	LD_PRELOAD=<bindfix.so>:libumockdev-preload.so.0   in this order
 *	UMOCKDEV_DIR=<lab_usb_root()>
 * and, if it was linked with AddressSanitizer, ASAN_OPTIONS with verify_asan_link_order=0.
 * lab_usb_environ() sets all of it.
 */
typedef struct LabUsb LabUsb;

/** Makes the directory. Fails when the preload library is not installed. `record` is borrowed. */
LabUsb *lab_usb_new(LabRecord *record, GError **error);
/** Removes the directory; phones must not be plugged in or out of it afterwards. Accepts NULL. */
void lab_usb_free(LabUsb *usb);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LabUsb, lab_usb_free)

/** For UMOCKDEV_DIR. Borrowed. */
const char *lab_usb_root(const LabUsb *usb);
/**
 * Takes `environment` over (g_get_environ()) and returns it with a client's variables set;
 * g_strfreev().
 */
char **lab_usb_environ(const LabUsb *usb, char **environment);
/** For lab_phone_attach(), with the LabUsb as self. */
const LabAttachment *lab_usb_attachment(void);
/**
 * Also shows each bus's root hub as a device, as a real machine has. Off by default: stock Debian
 * 12 libirecovery may crash with a second device in the list. To be called before a phone is
 * plugged in.
 */
void lab_usb_show_root_hubs(LabUsb *usb, bool on);
