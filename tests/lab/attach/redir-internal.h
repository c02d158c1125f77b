/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <usbredirparser.h>

#include "tests/lab/attach/mux-wire.h"
#include "tests/lab/attach/usbredir.h"

/*
 * Shared by usbredir.c (sockets, plug and unplug), redir-device.c (what the machine is told of the
 * device, configurations, reset) and redir-transfer.c (control and bulk).
 */

enum { LAB_REDIR_INTERFACES = 8, LAB_REDIR_ENDPOINTS = 32 };

/** One port of the machine. */
typedef struct {
	LabRedir *redir; /* borrowed */
	char *name;      /* 1-1.4 */
	char *socket;
	bool full_speed;
	int listen_fd, fd; /* -1: not connected */
	unsigned accept_source, in_source, out_source;
	pid_t pid; /* QEMU's */
	struct usbredirparser *parser;
	bool greeted;    /* the other side has said hello: devices may be announced */
	bool announced;  /* a device is there for the machine */
	bool leaving;    /* it was taken away, and the machine has not acknowledged that yet */
	LabPhone *phone; /* borrowed; NULL while nothing is plugged in */
	uint8_t configuration;
	bool was_reset; /* in use, and the machine has not configured it again since */
	uint8_t alt[LAB_REDIR_INTERFACES];
	LabWire *wire;          /* in normal and restore mode */
	GQueue waiting, parked; /* of transfers: in line for the link; never answered, or not yet */
	unsigned link_source;   /* the first in line arrives */
} LabRedirPort;

/* ---- usbredir.c ------------------------------------------------------------------------------ */

/** Sends what the parser has queued; to be called after anything was queued. */
void lab_redir_flush(LabRedirPort *port);

/* ---- redir-device.c -------------------------------------------------------------------------- */

/** Tells the machine what has been plugged in. */
void lab_redir_announce(LabRedirPort *port);
/** Whole descriptors of the phone, as they are at the port's speed. Caller frees. */
GByteArray *lab_redir_descriptors(const LabRedirPort *port);
/** Sets the parser's callbacks for what is not a transfer. */
void lab_redir_set_device_callbacks(struct usbredirparser *parser);

/* ---- redir-transfer.c ------------------------------------------------------------------------ */

/** Sets the parser's callbacks for transfers. */
void lab_redir_set_transfer_callbacks(struct usbredirparser *parser);
/** Forgets all transfers without answering them: the device is gone. */
void lab_redir_drop_transfers(LabRedirPort *port);
/** The wire has something to read: for lab_wire_new(), with the port as data. */
void lab_redir_wire_ready(void *port);
