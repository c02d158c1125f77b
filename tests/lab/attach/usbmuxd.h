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
/** For lab_phone_attach(phone, lab_mux_attachment(), mux). */
const LabAttachment *lab_mux_attachment(void);
