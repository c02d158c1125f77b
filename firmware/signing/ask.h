/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "firmware/signing/answer.h"

/** Whom to ask; NULLs: Apple's server, this computer's list of authorities. */
typedef struct {
	const char *server;
	const char *ca_file;
} RescueSigningServer;

/** One request for a part of an archive that is elsewhere. */
#define RESCUE_SIGNING_REMOTE_MS 10000u

/**
 * Reads the manifest of the archive, sends one request and reads the answer. A refusal is an answer; an error means
 * that nobody knows. Blocks and parses hostile bytes: meant for a child with few rights (client.h).
 */
bool rescue_signing_ask(const RescueSigningQuestion *question, const RescueSigningServer *server,
			RescueSigningAnswer *ret_answer, GError **error);
