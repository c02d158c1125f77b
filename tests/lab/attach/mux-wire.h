/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/lab/phone/phone.h"

/*
 * The phone's end of usbmux over USB: packets on one bulk endpoint each way, which carry a version
 * handshake and then a TCP of their own, without losses, on which the phone's channels run. Facts
 * from usbmuxd 1.1.1 (device.c): header and version 2 handshake, packets of at most 16384 bytes to
 * the host, th_win in units of 256, a RST for every close.
 */
typedef struct LabWire LabWire;

/**
 * `phone` is borrowed; connections are made in the name of process `pid`. `ready` is called when
 * there is something to take. Caller owns.
 */
LabWire *lab_wire_new(LabPhone *phone, pid_t pid, void (*ready)(void *data), void *data);
/** The link is lost: closes every connection. May be called from within lab_wire_received(). NULL. */
void lab_wire_free(LabWire *wire);
/** Bytes of a bulk OUT transfer. */
void lab_wire_received(LabWire *wire, const uint8_t *data, size_t size);
/** The next packet for a bulk IN transfer, NULL when there is none. Caller unrefs. */
GBytes *lab_wire_take(LabWire *wire);
