/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firmware/fetch/ranges.h"

/* What a web server says before the bytes come, and what that means for a download. Pure. */

typedef struct {
	unsigned status; /* 206; 0: no answer yet */
	bool has_length, has_range;
	uint64_t length;        /* Content-Length */
	RescueSpan range;       /* Content-Range */
	uint64_t total;         /* of Content-Range; RESCUE_SIZE_UNKNOWN when it says "*" */
	char *etag;             /* a strong one, with its quotation marks */
	char *modified;         /* Last-Modified */
	bool html;              /* Content-Type text/html or its kin */
	int64_t retry_after_ms; /* 0: not said */
} RescueHttpHead;

void rescue_http_head_clear(RescueHttpHead *head);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueHttpHead, rescue_http_head_clear)
/** One header line as curl delivers it; a status line begins anew, so that after redirects the last answer counts. */
void rescue_http_head_line(RescueHttpHead *head, const char *line, size_t size);

/** What was known when the request was made. */
typedef struct {
	RescueSpan asked; /* its end may be RESCUE_SIZE_UNKNOWN */
	uint64_t size;    /* of the file; RESCUE_SIZE_UNKNOWN */
	const char *etag; /* of what is here already, or NULL */
} RescueHttpAsked;

typedef enum {
	RESCUE_HTTP_FINE,
	RESCUE_HTTP_WHOLE,   /* the whole file from its beginning although a part was asked for */
	RESCUE_HTTP_CHANGED, /* it is not the file any more of which parts are here */
	RESCUE_HTTP_WRONG_SIZE,  /* it is not the file that is wanted */
	RESCUE_HTTP_WRONG_RANGE, /* other bytes than asked for */
	RESCUE_HTTP_HTML,        /* a page for people instead of a file */
	RESCUE_HTTP_BUSY,        /* 429, 503: later */
	RESCUE_HTTP_BROKEN,      /* other 5xx, 408 */
	RESCUE_HTTP_REFUSED,     /* 4xx: the server does not give it */
	RESCUE_HTTP_ODD,         /* an answer that fits no question */
} RescueHttpVerdict;

/** What this answer is to that question; pure. */
RescueHttpVerdict rescue_http_judge(const RescueHttpHead *head, const RescueHttpAsked *asked);
/** Size of the whole file as this answer tells it, RESCUE_SIZE_UNKNOWN when it does not. */
uint64_t rescue_http_total(const RescueHttpHead *head);
/** The beginning of a body looks like a page although its type says something else. */
bool rescue_http_looks_like_page(const char *bytes, size_t size);
