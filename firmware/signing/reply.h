/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/failure/failure.h"

/*
 * What the signing server answers: STATUS=0&MESSAGE=SUCCESS&REQUEST_STRING=<a property list>, which may contain '&'
 * by
 * itself. Anything else has not come from it.
 */

#define RESCUE_TSS_REPLY_MAX_BYTES   (4u * 1024 * 1024)
#define RESCUE_TSS_REPLY_MAX_MESSAGE 1024u
#define RESCUE_TSS_REPLY_MAX_STATUS  99999

typedef struct {
	int status;
	char *message;        /* as said, without what cannot be printed; never NULL */
	char *server_version; /* or NULL */
	GBytes *ticket;       /* ApImg4Ticket or APTicket; NULL: there is none in it */
} RescueTssReply;

void rescue_tss_reply_clear(RescueTssReply *reply);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueTssReply, rescue_tss_reply_clear)

/**
 * Strict and bounded. SIGNING_INTERCEPTED when it is not such an answer at all, SIGNING_INCOMPLETE when it begins
 * like
 * one and breaks off. A refusal is an answer like any other: see rescue_tss_reply_failure().
 */
bool rescue_tss_reply_parse(const char *text, size_t size, RescueTssReply *ret_reply,
			    GError **error);
/** The number and the message only: true when the text begins like an answer. For those who pass it on. */
bool rescue_tss_reply_peek(const char *text, size_t size, int *ret_status, char **ret_message);
/** What a status means; NONE for 0. Numbers that nobody has documented are the server's error. */
RescueFailure rescue_tss_status_failure(int status);
/** NONE when it signs; SIGNING_INCOMPLETE when it says so and sends no ticket. */
RescueFailure rescue_tss_reply_failure(const RescueTssReply *reply);
