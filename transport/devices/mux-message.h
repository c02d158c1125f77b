/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * usbmuxd's messages, version 1: a header of four little-endian words (whole length, version, type, tag), then an XML
 * property list. Source: usbmuxd's own header usbmuxd-proto.h and what it sends.
 */
enum {
	RESCUE_MUX_HEADER_SIZE = 16,
	RESCUE_MUX_MAX_MESSAGE = 1024 * 1024, /* a list of a hundred devices has 60 kB */
};

typedef enum {
	RESCUE_MUX_OTHER, /* of no interest here */
	RESCUE_MUX_RESULT,
	RESCUE_MUX_ATTACHED,
	RESCUE_MUX_DETACHED,
	RESCUE_MUX_DEVICE_LIST,
} RescueMuxKind;

typedef struct {
	RescueMuxKind kind;
	unsigned result; /* RESULT: 0 is success */
	unsigned id;     /* ATTACHED, DETACHED */
	char *udid;      /* ATTACHED; owned */
	bool is_usb;     /* ATTACHED: by cable, not over the network */
	unsigned bus, address;
} RescueMuxMessage;

void rescue_mux_message_clear(RescueMuxMessage *message);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueMuxMessage, rescue_mux_message_clear)

/** A whole request without arguments ("Listen", "ListDevices"); caller owns. */
GBytes *rescue_mux_request_new(const char *type, uint32_t tag);
/**
 * Takes the next message off the front of `bytes`, the stream as it came; caller clears it. False when none is
 * complete, or, with an error set, when the other side does not speak this protocol.
 */
bool rescue_mux_message_take(GByteArray *bytes, RescueMuxMessage *ret_message, GError **error);
