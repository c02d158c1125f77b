/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "tests/lab/phone/phone.h"

/*
 * A stand-in for usbmuxd: clients find it by USBMUXD_SOCKET_ADDRESS=UNIX:PATH and take it for the
 * real one. It carries the phones that are in normal or restore mode; a world without usbmuxd just
 * does not make one. Runs on the default main context; its clients' pids come from the kernel
 * (SO_PEERCRED).
 */
typedef struct LabMux LabMux;

/**
 * Listens on `socket_path`, replacing what a dead run left there. `record` is borrowed and may be
 * NULL. NULL with `error` when the path is too long or cannot be bound.
 */
LabMux *lab_mux_new(const char *socket_path, LabRecord *record, GError **error);
/**
 * Closes every connection and removes the socket; accepts NULL. The phones it carries are freed
 * first.
 */
void lab_mux_free(LabMux *mux);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LabMux, lab_mux_free)
/**
 * The daemon dies, with all its connections, once what is being done now is done; it is back after `away_ms` (0:
 * never)
 * and then knows its devices by new numbers. One that is dead for ever comes back.
 */
void lab_mux_restart(LabMux *mux, unsigned away_ms);
/** The host's id, part of each pair record; borrowed. */
const char *lab_mux_buid(const LabMux *mux);
/** Keeps a pair record, as if some program had saved it. */
void lab_mux_add_pairing(LabMux *mux, const char *udid, GBytes *record);
/** For lab_phone_attach(phone, lab_mux_attachment(), mux). */
const LabAttachment *lab_mux_attachment(void);
