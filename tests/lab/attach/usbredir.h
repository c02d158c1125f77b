/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "tests/lab/phone/phone.h"
#include "tests/lab/record/record.h"

/*
 * The ports of a virtual machine: for each there is a UNIX socket on which QEMU's usb-redir device
 * is told, in the usbredir protocol, what is plugged in. A port without a phone is a connection on
 * which no device is announced. In recovery and DFU mode the phone's own USB side answers; in
 * normal and restore mode it is a device with the mux interface, behind which mux-wire.c makes the
 * phone's channels of usbmux over USB. Runs on the default main context.
 *
 * Which process of the guest does something is not to be seen from here: each is QEMU's.
 */
typedef struct LabRedir LabRedir;

/** No port yet. `record` is borrowed. Never fails. */
LabRedir *lab_redir_new(LabRecord *record);
/** Unplugs everything and removes the sockets; phones are freed first. Accepts NULL. */
void lab_redir_free(LabRedir *redir);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LabRedir, lab_redir_free)
/**
 * Listens on `socket` for the machine's port `port` (1-1.4). `full_speed`: it is a port of a USB
 * 1.1 hub, so the phone runs at 12 Mbit/s there, else at 480.
 */
bool lab_redir_add_port(LabRedir *redir, const char *port, const char *socket, bool full_speed,
			GError **error);
/** For lab_phone_attach(), with the LabRedir as self. A phone on a port unknown here is not seen. */
const LabAttachment *lab_redir_attachment(void);
