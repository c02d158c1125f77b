/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/failure/failure.h"
#include "firmware/signing/post.h"

/*
 * The signing relay, inner part: one request of the engine at a time goes to the signing server, and trouble on the
 * way
 * is waited out as long as that makes sense. Blocks: it is the only work of its program (relay-main.c), which lives
 * as
 * long as the engine does.
 *
 * How long an engine waits: neither generation sets a timeout of libcurl's (read in the source of 1.0.0 and in the
 * calls that libtatsu 1.0.5 makes), so an answer may come as late as we like. How long a device waits for its data
 * nobody has published; five minutes is the longest that any step of a restore takes by itself.
 */
typedef struct RescueRelay RescueRelay;

/** What is known when an answer, or none, has come. */
typedef struct {
	RescueFailure failure; /* NONE: pass it on */
	bool numbered;         /* the server gave it, with a number of its own */
	bool inside; /* a ticket has gone to the engine before: the device may be in mid-restore */
	unsigned tries;    /* made since the trouble began, this one included */
	int64_t waited_ms; /* since then */
} RescueRelayFacts;

/** How long to wait before the next try, 0: the engine gets what there is. Pure. */
unsigned rescue_relay_decide(const RescueRelayFacts *facts);

typedef struct {
	const char *server;  /* NULL: Apple's */
	const char *ca_file; /* NULL: this computer's list */
	int engine_fd;       /* pidfd of the engine */
	bool with_bodies;    /* the log gets requests and replies whole, tickets included */
} RescueRelaySpec;

/** Borrows the strings and the descriptor. */
RescueRelay *rescue_relay_new(const RescueRelaySpec *spec);
/** Accepts NULL. */
void rescue_relay_free(RescueRelay *relay);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueRelay, rescue_relay_free)
/**
 * Answers one request. *ret_answer: what the engine gets, with its HTTP status; the body is empty when nobody
 * answered,
 * so that the engine sees the same as without a relay. False when the engine is gone.
 */
bool rescue_relay_handle(RescueRelay *relay, const char *body, size_t size,
			 RescueTssAnswer *ret_answer);
/** The engine has ended. */
bool rescue_relay_engine_is_gone(const RescueRelay *relay);
