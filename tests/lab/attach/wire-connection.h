/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/lab/phone/phone.h"

/*
 * One TCP connection of usbmux over USB: the host's socket on its one side, a channel of the phone
 * on the other. Nothing is lost on the way, so there are sequence numbers and windows, and neither
 * timers nor repeats.
 */

enum { LAB_SEGMENT_SYN = 0x02, LAB_SEGMENT_RST = 0x04, LAB_SEGMENT_ACK = 0x10 };

/** A TCP header that matters, and what it carries; `data` is borrowed. */
typedef struct {
	uint16_t host_port, phone_port;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window; /* in units of 256 bytes */
	const uint8_t *data;
	size_t size;
} LabSegment;

typedef struct LabWireConnection LabWireConnection;

/** What a connection needs of the wire that it runs on. */
typedef struct {
	void (*send)(void *owner, const LabSegment *segment);
	/** It has ended; the owner gives its reference back. */
	void (*over)(void *owner, LabWireConnection *connection);
} LabWireOwner;

/** For this SYN. Caller owns a reference; `data` of the owner outlives the connection's end. */
LabWireConnection *lab_wire_connection_new(const LabSegment *syn, const LabWireOwner *owner,
					   void *data);
LabWireConnection *lab_wire_connection_ref(LabWireConnection *connection);
void lab_wire_connection_unref(LabWireConnection *connection);
bool lab_wire_connection_is(const LabWireConnection *connection, uint16_t host_port,
			    uint16_t phone_port);
/** Connects to the phone and tells the host how that went. */
void lab_wire_connection_open(LabWireConnection *connection, LabPhone *phone, pid_t pid);
void lab_wire_connection_received(LabWireConnection *connection, const LabSegment *segment);
/** Ends it without telling the host. */
void lab_wire_connection_drop(LabWireConnection *connection);
