/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "tests/lab/attach/usbmuxd.h"
#include "tests/lab/phone/plistio.h"

/*
 * One connection of a program to the mux: it talks to the mux until a Connect makes it a channel of
 * a phone. mux-client.c moves bytes and packets, usbmuxd.c knows what they mean.
 */

typedef enum {
	MUX_OK = 0,
	MUX_BAD_COMMAND = 1,
	MUX_BAD_DEVICE = 2,
	MUX_REFUSED = 3,
	MUX_BAD_VERSION = 6,
} MuxResult;

typedef struct MuxClient MuxClient;

/** What whoever owns the clients is told. */
typedef struct {
	/** A property list came. */
	void (*message)(MuxClient *client, uint32_t tag, plist_t message);
	/** The connection has ended; the owner gives its reference back. */
	void (*dropped)(MuxClient *client);
} MuxClientOwner;

struct MuxClient {
	const MuxClientOwner *owner; /* NULL once dropped */
	void *owner_data;
	int fd;
	pid_t pid;
	unsigned in_source, out_source, drop_source;
	GByteArray *in, *out;
	bool listening;
	bool draining;       /* the phone has closed: what is queued still goes out */
	bool paused;         /* back-pressure */
	LabPhone *phone;     /* borrowed; with `channel` */
	LabChannel *channel; /* NULL until connected */
};

/** Takes the socket over and starts to read. Caller owns one reference. */
MuxClient *mux_client_new(int fd, const MuxClientOwner *owner, void *owner_data);
/** Gives a reference back; a GDestroyNotify. */
void mux_client_unref(void *client);
/**
 * Ends the connection now, and the channel with it; the memory stays with whoever has a reference.
 */
void mux_client_drop(MuxClient *client);
/** Sends a property list; takes `message` over. An answer has the tag of what was asked, else 0. */
void mux_client_send(MuxClient *client, uint32_t tag, plist_t message);
void mux_client_send_result(MuxClient *client, uint32_t tag, MuxResult result);
/** For lab_phone_connect(), with the client as self. */
const LabChannelOps *mux_client_channel_ops(void);
