/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/base/json.h"
#include "core/port/ports.h"

/* What came out of asking, as "--json sign check" writes it and as the parent of that child reads it back. */

/** A value; strings owned, NULL when not known. */
typedef struct {
	RescueEcid ecid;
	uint32_t chip_id, board_id;
	RescueBehavior behavior;
	char *version, *build, *variant, *board;
	char *server;          /* URL that was asked */
	int status;            /* STATUS of the signing server */
	char *message;         /* MESSAGE of it */
	RescueFailure failure; /* NONE: it is signed */
	char *nonce;           /* ApNonce that the ticket is for, hex */
	GBytes *ticket;        /* NULL when refused */
} RescueSigningAnswer;

void rescue_signing_answer_clear(RescueSigningAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueSigningAnswer, rescue_signing_answer_clear)

/** SHA-256 of the ticket in hex, NULL without one; caller frees. */
char *rescue_signing_answer_hash(const RescueSigningAnswer *answer);
/**
 * {"v": 1, "verdict": "signed"|"not-signed"|"unknown", "signed": …}, the latter only when it is known; the ticket
 * itself only when asked for. Caller owns.
 */
RescueJson *rescue_signing_answer_to_json(const RescueSigningAnswer *answer, bool with_ticket);
/** Trusts nothing: the writer has met hostile input. RESCUE_ERROR_INTERNAL when something is missing. */
bool rescue_signing_answer_from_json(const RescueJson *json, RescueSigningAnswer *ret_answer,
				     GError **error);
