/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <curl/curl.h>

#include "firmware/fetch/digest.h"
#include "firmware/fetch/flows.h"
#include "firmware/fetch/head.h"
#include "firmware/fetch/sources.h"
#include "firmware/fetch/transfer.h"

/* Shared by transfer.c (what is done next), flow.c (one request) and settle.c (what an ended request means). */

typedef struct Transfer Transfer;

/** One request at a time, on a connection that is kept for the next. */
typedef struct {
	Transfer *transfer;
	unsigned id;
	CURL *easy;
	struct curl_slist *extra; /* headers of this request */
	bool active;
	bool paused; /* the bandwidth of this moment is used up */
	RescueSpan asked;
	RescueHttpHead head;
	bool judged;
	RescueHttpVerdict verdict;
	uint64_t brought; /* bytes of this request that counted */
	uint64_t unsaved; /* of them not noted in the state */
	int64_t last_us;  /* when something came; monotonic */
	char error[CURL_ERROR_SIZE];
} Flow;

#define TICK_US 100000
#define TICKS   20u /* two seconds of history */

struct Transfer {
	const RescueTransferSpec *spec;
	RescueSources *sources;
	RescueRanges *ranges;
	RescueDigest *digest;
	CURLM *multi;
	Flow flows[RESCUE_FLOWS_MAX];
	unsigned most;  /* flows that the server seems to like */
	bool no_ranges; /* it does not know parts */
	bool resumed;   /* bytes of an earlier process are here */
	unsigned restarts, wrong_ranges;
	char *etag, *modified; /* of the bytes that are here */
	int64_t stall_ms, patience_ms;
	int64_t started_us, progress_us, changed_us, next_flow_us;
	uint64_t history[TICKS]; /* bytes that were here at each of the last ticks */
	unsigned ticks;
	uint64_t session_bytes; /* brought by this process */
	double single_rate;
	double cap;    /* bytes per second; 0: none */
	double tokens; /* bytes that may come now; negative: they came already */
	int64_t refilled_us;
	GError *trouble; /* the last thing that went wrong */
	GError *fatal;   /* nothing can go on after this */
};

/** Makes what is the same for all requests; false with `transfer->fatal` set. */
bool rescue_flow_init(Flow *flow, Transfer *transfer, unsigned id);
void rescue_flow_clear(Flow *flow);
/** Asks for the piece that the ranges have for this flow. */
void rescue_flow_start(Flow *flow, RescueSpan piece);
/** Takes it from the loop; the piece goes back. */
void rescue_flow_stop(Flow *flow);
/** There is bandwidth again. */
void rescue_flow_resume(Flow *flow);

/** What the answer means; with the first bytes of its body, or without. Once for each request. */
void rescue_flow_judge(Flow *flow, const char *bytes, size_t size);

/** A request has ended with `code`: notes what that means. */
void rescue_flow_settle(Flow *flow, CURLcode code);
/** A flow has not brought anything for too long. */
void rescue_flow_settle_stall(Flow *flow);

/** Everything that was here is forgotten; false with `fatal` set. */
bool rescue_transfer_restart(Transfer *transfer);
void rescue_transfer_say(Transfer *transfer, const char *text);
unsigned rescue_transfer_open_flows(const Transfer *transfer);
/** What failed, for the end of the story: takes over the former one. */
void rescue_transfer_trouble(Transfer *transfer, int failure, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
