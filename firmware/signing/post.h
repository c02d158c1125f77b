/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * One request to the signing server and what came back, by libcurl. Blocks: for workers and the relay, never for the
 * main process. TLS is verified, always; proxies of the environment are honoured.
 */

/** Where Apple's own server answers. */
#define RESCUE_TSS_URL "https://gs.apple.com/TSS/controller?action=2"
/** Where any server answers, for one that was named without a path. */
#define RESCUE_TSS_PATH "/TSS/controller?action=2"
/** In the sentence of an error that means: ask less often. */
#define RESCUE_TSS_LIMIT_WORDS "asks for patience"

typedef struct {
	const char *server; /* as somebody named it; NULL: Apple's */
	/* PEM, instead of this computer's list; NULL: SSL_CERT_FILE, else that list */
	const char *ca_file;
	const char *body;
	size_t size;
	unsigned deadline_ms; /* for all of it */
	/** Asked about once a second; false: give up. May be NULL. */
	bool (*go_on)(void *data);
	void *data;
} RescueTssPost;

typedef struct {
	long http_status; /* 0: there was no answer */
	bool verified;    /* TLS, and the other side is who it should be */
	/* verified, but by a certificate that no authority of Apple's servers has issued */
	bool foreign;
	char *issuer; /* of its certificate; NULL: not known */
	char *body;   /* NUL-terminated; never NULL */
	size_t size;
} RescueTssAnswer;

void rescue_tss_answer_clear(RescueTssAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueTssAnswer, rescue_tss_answer_clear)

/** "http://host:1234" and "http://host:1234/" become a whole URL; NULL: Apple's. Caller frees. */
char *rescue_tss_url(const char *server);
/**
 * False with SIGNING_UNREACHABLE or SIGNING_INTERCEPTED when no answer came; CANCELLED when `go_on` said no. What
 * came
 * is judged by rescue_tss_answer_check().
 */
bool rescue_tss_post(const RescueTssPost *post, RescueTssAnswer *ret_answer, GError **error);
/**
 * True for one that the server itself gave, whatever its STATUS. SIGNING_INTERCEPTED for a page of somebody else,
 * SIGNING_SERVER when the server is overloaded or asks for patience. Pure.
 */
bool rescue_tss_answer_check(const RescueTssAnswer *answer, GError **error);
/** The HTTP status that such an error names in its words; 0: none. Pure. */
int rescue_tss_http_of_message(const char *message);
/** The server, not somebody in between, asks to be left alone for a while. Pure. */
bool rescue_tss_answer_is_limit(const RescueTssAnswer *answer);
