/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Tells one address about one event. */

/** A shorter secret can be guessed; a longer one is some other file. Bytes. */
#define RESCUE_WEBHOOK_SECRET_MIN 16u
#define RESCUE_WEBHOOK_SECRET_MAX 1024u
/** The longest pause before another try. */
#define RESCUE_WEBHOOK_PAUSE_MAX_MS (INT64_C(10) * 60 * 1000)

/**
 * The text of a secret file, without what ends its line. BAD_INPUT when others may read it, or when it is too short or
 * long; HOST_IO. Caller frees.
 */
char *rescue_webhook_read_secret(const char *path, GError **error);
/**
 * The value of the header Rescue-Signature: "t=1795341840,v1=…", seconds since 1970 and in hex the HMAC-SHA256 by the
 * secret over the same digits, a dot and the body. Caller frees.
 */
char *rescue_webhook_sign(const char *secret, int64_t wall_s, const char *body);

typedef enum {
	RESCUE_WEBHOOK_TAKEN,
	RESCUE_WEBHOOK_REFUSED, /* this event, by somebody who has read it: the same again is no use */
	RESCUE_WEBHOOK_LATER, /* anything else: out of order, not the right place, not yet allowed */
} RescueWebhookVerdict;

/** Of an HTTP status. */
RescueWebhookVerdict rescue_webhook_judge(long status);
/**
 * The pause after `tries` (from 1) failed ones: 2 s, doubled each time, up to the longest; at least what the server
 * asked for (0: nothing), but never longer than that. `spread` from 0 to 1 takes away up to a quarter, so that not all
 * stations come back at once.
 */
int64_t rescue_webhook_pause_ms(unsigned tries, int64_t asked_ms, double spread);

/** All borrowed. */
typedef struct {
	const char *url;
	const char *ca_file; /* PEM, instead of this computer's list; NULL */
	const char *secret;
	const char *id;   /* of the event: the same in each try */
	const char *kind; /* "done" */
	const char *body;
	int64_t wall_s; /* now */
	unsigned deadline_ms;
} RescueWebhookPost;

typedef struct {
	long status;      /* of HTTP */
	int64_t asked_ms; /* Retry-After; 0: none */
} RescueWebhookAnswer;

/** False with HOST_IO when no answer came. Blocks up to the deadline. */
bool rescue_webhook_post(const RescueWebhookPost *post, RescueWebhookAnswer *ret_answer,
			 GError **error);
