/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <curl/curl.h>
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What all our requests have in common, and one small document from a web server. Blocks: meant for a child process. */

/** Certificates to know servers by: the file that SSL_CERT_FILE names; NULL: this computer's list. Borrowed. */
const char *rescue_web_ca_file(void);
/** What the web says of a request that a filter or proxy on the way refuses: 403, 407, 451, 511. */
bool rescue_web_is_filter_status(unsigned status);
/** A proxy has refused, with such a status, to make a way for this request, which has ended. */
bool rescue_web_is_denied(CURL *easy);

typedef struct {
	char *text; /* NUL-terminated; NULL unless status is 200 */
	size_t size;
	unsigned status;
	bool html;
	int64_t retry_after_ms; /* 0: the server did not say */
} RescueWebAnswer;

void rescue_web_answer_clear(RescueWebAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueWebAnswer, rescue_web_answer_clear)

/** Some bytes of a large file. */
typedef struct {
	char *bytes;
	size_t size;
	uint64_t offset, total; /* where they lie in the file, and how large that is */
} RescueWebPart;

void rescue_web_part_clear(RescueWebPart *part);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueWebPart, rescue_web_part_clear)

/**
 * The same for a part of a file, `range` as HTTP has it: "0-99", or "-100" for the last hundred. A server that does not
 * serve ranges is not listened to any further. DOWNLOAD_REFUSED, DOWNLOAD_FAILED or DOWNLOAD_INTERCEPTED. Caller clears
 * `ret_part`.
 */
bool rescue_web_get_part(const char *url, const char *range, size_t max_bytes, unsigned deadline_ms,
			 RescueWebPart *ret_part, GError **error);
/**
 * GET with our own User-Agent, TLS verified, proxies of the environment honoured; more than `max_bytes` or longer
 * than
 * `deadline_ms` is a failure. Any HTTP status is an answer; no answer is DOWNLOAD_FAILED or DOWNLOAD_INTERCEPTED.
 * Caller clears `ret_answer`.
 */
bool rescue_web_get(const char *url, size_t max_bytes, unsigned deadline_ms,
		    RescueWebAnswer *ret_answer, GError **error);
