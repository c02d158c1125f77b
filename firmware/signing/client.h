/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/port/ports.h"
#include "firmware/signing/answer.h"
#include "firmware/signing/ask.h"

/*
 * Asks the signing server from a child with few rights, "PROGRAM --json … sign check --worker …", within a deadline
 * and within what the station allows itself (budget.h).
 */
typedef struct RescueSigning RescueSigning;

extern const RescueSigningPort rescue_signing_port; /* self is a RescueSigning */

/** All copied. `program` has the command `sign`: this very one, by its path. */
typedef struct {
	const char *program;
	const char *state_dir; /* where the station's budget is kept */
	RescueSigningServer server;
	bool with_ticket; /* the answers carry the ticket */
} RescueSigningSpec;

RescueSigning *rescue_signing_new(const RescueSigningSpec *spec);
/** Accepts NULL. */
void rescue_signing_free(RescueSigning *signing);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueSigning, rescue_signing_free)
/** Runs the loop meanwhile. A refusal is an answer; an error means that nobody knows. */
bool rescue_signing_client_ask(RescueSigning *signing, const RescueSigningQuestion *question,
			       RescueSigningAnswer *ret_answer, GError **error);
