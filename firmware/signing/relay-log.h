/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/failure/failure.h"

/*
 * What the relay tells, JSON Lines on stdout, which is the file relay.log of the attempt. Whoever follows the engine
 * follows it too. No tickets unless asked for: they and the requests are personal.
 */

/** What came of one try. Strings: `text` owned, `issuer` borrowed. */
typedef struct {
	unsigned number;       /* of the engine's request, from 1 */
	RescueFailure failure; /* NONE: answered */
	long http_status;      /* 0: no answer */
	int status;            /* STATUS of the signing server, -1: none */
	char *text;            /* its message, or what went wrong */
	const char *issuer;    /* of the certificate, or NULL */
	char *ticket_sha256;   /* of the device's ticket in the answer; NULL: it has none */
	size_t size;           /* of the answer */
	int64_t took_ms;
	int64_t waited_ms; /* since the trouble began */
	unsigned pause_ms; /* until the next try; 0: the engine got this */
} RescueRelayNote;

void rescue_relay_note_clear(RescueRelayNote *note);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueRelayNote, rescue_relay_note_clear)

/** The first line: who this is, so that a later supervisor can find it. */
void rescue_relay_log_start(pid_t engine_pid, const char *server);
/** The engine asks for these tickets; `body` NULL: not told. */
void rescue_relay_log_request(unsigned number, char *const *tickets, const char *body, size_t size);
/** `body` NULL: not told. */
void rescue_relay_log_reply(const RescueRelayNote *note, const char *body);
/** The last line. */
void rescue_relay_log_end(void);
