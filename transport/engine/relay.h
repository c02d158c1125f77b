/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/process/inbox.h"

/*
 * Inner part of transport/engine: the signing relay beside an engine. The socket is opened here, so that its address
 * is
 * known before the engine runs; the program that serves it is started when the engine's pid is known, and belongs to
 * the engine from then on. What it tells becomes observations.
 */
typedef struct RescueEngineRelay RescueEngineRelay;

/** Strings are copied. */
typedef struct {
	const char *program; /* idevicerescue-relay */
	const char *server;  /* URL; NULL: Apple's */
	const char *ca_file; /* NULL: this computer's list */
	RescueInbox *inbox;
} RescueEngineRelaySpec;

RescueEngineRelay *rescue_engine_relay_new(const RescueEngineRelaySpec *spec);
/** A relay that runs goes on. Accepts NULL. */
void rescue_engine_relay_free(RescueEngineRelay *relay);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueEngineRelay, rescue_engine_relay_free)

/** Opens a socket on the loopback for the next engine. HOST_IO. */
bool rescue_engine_relay_listen(RescueEngineRelay *relay, GError **error);
/** "http://127.0.0.1:PORT" of that socket; borrowed, NULL before. */
const char *rescue_engine_relay_url(const RescueEngineRelay *relay);
/** Starts the program for this engine; it logs to `log_path` (0600), which is followed. HOST_IO. */
bool rescue_engine_relay_start(RescueEngineRelay *relay, const char *log_path, pid_t engine_pid,
			       uint64_t engine_start, GError **error);
/** Follows the relay of an engine that is adopted, by its log; it may be gone, or never have been there. */
void rescue_engine_relay_adopt(RescueEngineRelay *relay, const char *log_path);
/** Calls back once, when the relay has ended and all that it said is in the inbox; at once when there is none. */
void rescue_engine_relay_when_gone(RescueEngineRelay *relay, void (*gone)(void *data), void *data);
/** What a line of its log says; NULL when it says nothing that a job wants to know. Pure. Caller owns. */
RescueObservation *rescue_engine_relay_read_line(const char *line);
