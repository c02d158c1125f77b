/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/model/device.h"
#include "transport/agent/report.h"

/*
 * A device that usbmuxd connects to: lockdownd when iOS runs, restored when the restore system does. Every call checks
 * that the device is the one with the wanted ECID before anything else.
 */
typedef struct RescueMux RescueMux;

/**
 * Connects and asks who it is. `udid` NULL: found by the ECID, which is an error where only the devices themselves
 * could tell. `ecid` 0: any. `deadline` is borrowed and told what is waited for.
 */
RescueMux *rescue_mux_open(RescueEcid ecid, const char *udid, RescueAgentDeadline *deadline,
			   GError **error);
/** Accepts NULL. */
void rescue_mux_free(RescueMux *mux);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueMux, rescue_mux_free)
/** What it said; borrowed. Mode normal or restore. */
const RescueDevice *rescue_mux_facts(const RescueMux *mux);
/**
 * Normal mode: what iOS tells of its owner becomes part of the facts. Opens a session where this computer is paired
 * already, and never pairs: nothing appears on the screen. What is not told stays unknown.
 */
void rescue_mux_ask_owner(RescueMux *mux);
/**
 * Normal mode: a session that needs this computer's pairing, which is made when there is none. True with ASKING in
 * the facts when the person at the device has to answer first.
 */
bool rescue_mux_pair(RescueMux *mux, GError **error);
/** Normal mode: may ask the person at the device to trust this computer. */
bool rescue_mux_enter_recovery(RescueMux *mux, GError **error);
/** Restore mode. */
bool rescue_mux_reboot(RescueMux *mux, GError **error);
