/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "transport/devices/merge.h"

/*
 * A client of usbmuxd's event stream: which devices are in normal or restore mode. It connects where
 * USBMUXD_SOCKET_ADDRESS says (UNIX:/path, /path or host:port), else to /var/run/usbmuxd, never blocks, and tries
 * again by itself when usbmuxd goes away or is not there yet: Debian starts it with the first device.
 */
typedef struct RescueMuxClient RescueMuxClient;

typedef struct {
	void (*attached)(const RescueMuxSighting *seen, void *data);
	void (*detached)(unsigned id, void *data);
	void (*lost)(void *data); /* all that was attached is unknown again */
	void *data;
} RescueMuxClientSpec;

/** Starts to connect on the default main context; copies `spec`. */
RescueMuxClient *rescue_mux_client_new(const RescueMuxClientSpec *spec);
/** Accepts NULL. */
void rescue_mux_client_free(RescueMuxClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueMuxClient, rescue_mux_client_free)
/** What is attached now has been told, or usbmuxd is known not to answer. */
bool rescue_mux_client_is_settled(const RescueMuxClient *client);

/**
 * True when usbmuxd answers a list request in version 1 of its protocol, or is not running only because systemd starts
 * it with the first device; else RESCUE_FAILURE_NO_USBMUXD. Runs the loop meanwhile.
 */
bool rescue_usbmuxd_check(unsigned deadline_ms, GError **error);
