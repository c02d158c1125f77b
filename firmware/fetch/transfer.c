/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/fetch/transfer.h"

#include <string.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "firmware/fetch/transfer-internal.h"

#define PATIENCE_MS    120000
#define STALLS         6 /* so many stalls of one flow fit into the patience */
#define LEAST_STALL_MS 500
#define RECENT_TICKS   5u /* half a second, while there is one flow */
#define DIGEST_BYTES   (256u * 1024)
#define DIGEST_TURN    (UINT64_C(8) << 20) /* so much of what lies behind is digested per turn */
#define BURST_S        0.1                 /* of the allowed bandwidth may come at once */
#define CAPPED_MS      20                  /* between looks at what may come */
#define STEAL_S        1.0 /* what is here sooner than that is not worth a new request */

void
rescue_transfer_result_clear(RescueTransferResult *result)
{
	g_free(result->sha256);
	g_free(result->sha1);
	g_free(result->url);
	*result = (RescueTransferResult){ 0 };
}

unsigned
rescue_transfer_open_flows(const Transfer *transfer)
{
	unsigned open = 0;

	for (unsigned i = 0; i < RESCUE_FLOWS_MAX; i++)
		open += transfer->flows[i].active;
	return open;
}

/* ---- rates ------------------------------------------------------------------------------------ */

/* bytes per second over the last `ticks` ticks */
static double
recent_rate(const Transfer *transfer, unsigned ticks)
{
	unsigned span = MIN(MIN(ticks, TICKS - 1), transfer->ticks);
	uint64_t now = transfer->history[transfer->ticks % TICKS];
	uint64_t then = transfer->history[(transfer->ticks - span) % TICKS];

	return span > 0 ? (double)(now - then) / ((double)span * TICK_US / G_USEC_PER_SEC) : 0;
}

static double
current_rate(const Transfer *transfer)
{
	bool single = rescue_transfer_open_flows(transfer) <= 1;

	return recent_rate(transfer, single ? RECENT_TICKS : TICKS);
}

static double
average_rate(const Transfer *transfer, int64_t now_us)
{
	double seconds = (double)(now_us - transfer->started_us) / G_USEC_PER_SEC;

	return seconds > 0 ? (double)transfer->session_bytes / seconds : 0;
}

static double
get_share(const Transfer *transfer)
{
	return transfer->spec->share != NULL ? transfer->spec->share(transfer->spec->data) : 0;
}

void
rescue_transfer_say(Transfer *transfer, const char *text)
{
	uint64_t size = rescue_ranges_size(transfer->ranges);
	const RescueTransferNews news = {
		.bytes = rescue_ranges_done(transfer->ranges),
		.total = size != RESCUE_SIZE_UNKNOWN ? size : 0,
		.rate = recent_rate(transfer, TICKS),
		.flows = rescue_transfer_open_flows(transfer),
		.url = rescue_sources_current(transfer->sources),
		.text = text,
	};

	if (transfer->spec->listener != NULL)
		transfer->spec->listener(&news, transfer->spec->data);
}

/* ---- flows ------------------------------------------------------------------------------------ */

static unsigned
wanted_flows(const Transfer *transfer, int64_t now_us)
{
	const RescueFlowFacts facts = {
		.open = rescue_transfer_open_flows(transfer),
		.most = transfer->most,
		.rate = current_rate(transfer),
		.single_rate = transfer->single_rate,
		.cap = transfer->cap,
		.left = rescue_ranges_size(transfer->ranges) - rescue_ranges_done(transfer->ranges),
		.steady_ms = (now_us - transfer->changed_us) / 1000,
	};

	if (rescue_ranges_size(transfer->ranges) == RESCUE_SIZE_UNKNOWN || transfer->no_ranges)
		return 1;
	return rescue_flows_wanted(&facts);
}

static bool
find_piece(Transfer *transfer, unsigned id, unsigned wanted, RescueSpan *ret_piece)
{
	double flow_rate = current_rate(transfer) / MAX(rescue_transfer_open_flows(transfer), 1);
	uint64_t left = rescue_ranges_size(transfer->ranges) - rescue_ranges_done(transfer->ranges);
	uint64_t piece = wanted > 1 ? rescue_flows_piece(left, wanted, flow_rate) : G_MAXUINT64;
	uint64_t worth = MAX((uint64_t)(flow_rate * STEAL_S), RESCUE_FLOWS_MIN_PIECE);

	if (rescue_ranges_take(transfer->ranges, id, piece, ret_piece))
		return true;
	return wanted > 1 && rescue_ranges_steal(transfer->ranges, id, worth, ret_piece);
}

/* the one that asked for everything up to the end shares with the others */
static void
share_piece(Transfer *transfer, unsigned wanted, int64_t now_us)
{
	double flow_rate = average_rate(transfer, now_us);
	uint64_t left = rescue_ranges_size(transfer->ranges) - rescue_ranges_done(transfer->ranges);

	transfer->single_rate = flow_rate;
	for (unsigned i = 0; i < RESCUE_FLOWS_MAX; i++)
		if (transfer->flows[i].active)
			rescue_ranges_shorten(transfer->ranges, i,
					      rescue_flows_piece(left, wanted, flow_rate));
}

static void
start_flows(Transfer *transfer, int64_t now_us)
{
	unsigned open = rescue_transfer_open_flows(transfer);
	unsigned wanted = wanted_flows(transfer, now_us);
	RescueSpan piece;

	if (now_us < rescue_sources_ready_us(transfer->sources) || now_us < transfer->next_flow_us)
		return;
	if (wanted < open)
		transfer->most = wanted; /* several bring no more than one: that stays so */
	if (open == 1 && wanted > 1) {
		share_piece(transfer, wanted, now_us);
		transfer->changed_us = now_us;
	}
	for (unsigned i = 0; i < RESCUE_FLOWS_MAX && open < wanted; i++) {
		if (transfer->flows[i].active || !find_piece(transfer, i, wanted, &piece))
			continue;
		rescue_flow_start(&transfer->flows[i], piece);
		open++;
	}
}

static void
settle_ended(Transfer *transfer)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(transfer->multi, &left)) != NULL) {
		CURLcode code = message->data.result;
		Flow *flow = NULL;
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &flow);
		if (flow != NULL && flow->active)
			rescue_flow_settle(flow, code);
	}
}

static void
settle_stalled(Transfer *transfer, int64_t now_us)
{
	for (unsigned i = 0; i < RESCUE_FLOWS_MAX; i++) {
		Flow *flow = &transfer->flows[i];
		if (flow->active && !flow->paused &&
		    now_us - flow->last_us > transfer->stall_ms * 1000)
			rescue_flow_settle_stall(flow);
	}
}

/* ---- digest ----------------------------------------------------------------------------------- */

/* what came out of order, or by an earlier process; true when there is more to do */
static bool
digest_behind(Transfer *transfer, char *buffer)
{
	uint64_t prefix = rescue_ranges_prefix(transfer->ranges);
	uint64_t at = rescue_digest_size(transfer->digest);
	uint64_t until = MIN(prefix, at + DIGEST_TURN);

	while (at < until && transfer->fatal == NULL) {
		int64_t got = rescue_partial_read(transfer->spec->partial, buffer,
						  MIN(DIGEST_BYTES, until - at), at,
						  &transfer->fatal);
		if (got == 0)
			g_set_error(&transfer->fatal, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
				    "the partial file became shorter by itself");
		if (got > 0)
			rescue_digest_add(transfer->digest, buffer, (size_t)got);
		at += got > 0 ? (uint64_t)got : 0;
	}
	return at < prefix;
}

/* libcurl's own limit lets every new request begin with a burst, and pieces are many requests */
static void
refill(Transfer *transfer, int64_t now_us)
{
	double seconds = (double)(now_us - transfer->refilled_us) / G_USEC_PER_SEC;

	transfer->refilled_us = now_us;
	transfer->cap = get_share(transfer);
	if (transfer->cap <= 0)
		return;
	transfer->tokens = MIN(transfer->tokens + seconds * transfer->cap, BURST_S * transfer->cap);
	for (unsigned i = 0; i < RESCUE_FLOWS_MAX && transfer->tokens > 0; i++)
		rescue_flow_resume(&transfer->flows[i]);
}

/* ---- the loop --------------------------------------------------------------------------------- */

static void
check_patience(Transfer *transfer, int64_t now_us)
{
	int64_t waited_ms = (now_us - transfer->progress_us) / 1000;

	if (waited_ms < transfer->patience_ms || transfer->fatal != NULL)
		return;
	if (transfer->trouble != NULL)
		g_set_error(&transfer->fatal, RESCUE_ERROR, transfer->trouble->code,
			    "no byte for %" G_GINT64_FORMAT " s, lastly because %s",
			    waited_ms / 1000, transfer->trouble->message);
	else
		g_set_error(&transfer->fatal, RESCUE_ERROR, RESCUE_FAILURE_DOWNLOAD_FAILED,
			    "no byte for %" G_GINT64_FORMAT " s", waited_ms / 1000);
}

static void
tick(Transfer *transfer, int64_t now_us)
{
	transfer->history[++transfer->ticks % TICKS] = transfer->session_bytes;
	settle_stalled(transfer, now_us);
	check_patience(transfer, now_us);
	rescue_transfer_say(transfer, NULL);
}

/* until every byte is here and digested */
static bool
fetch_all(Transfer *transfer)
{
	g_autofree char *buffer = g_malloc(DIGEST_BYTES);
	int64_t next_tick_us = 0;
	bool behind = true;
	int running;

	while (transfer->fatal == NULL && (behind || !rescue_ranges_complete(transfer->ranges))) {
		int64_t now_us = g_get_monotonic_time();
		refill(transfer, now_us);
		if (!rescue_ranges_complete(transfer->ranges))
			start_flows(transfer, now_us);
		(void)curl_multi_perform(transfer->multi, &running);
		settle_ended(transfer);
		behind = transfer->fatal == NULL && digest_behind(transfer, buffer);
		if (now_us >= next_tick_us && transfer->fatal == NULL) {
			tick(transfer, now_us);
			next_tick_us = now_us + TICK_US;
		}
		if (transfer->fatal == NULL && !behind && !rescue_ranges_complete(transfer->ranges))
			(void)curl_multi_poll(transfer->multi, NULL, 0,
					      transfer->cap > 0 ? CAPPED_MS : TICK_US / 1000, NULL);
	}
	return transfer->fatal == NULL;
}

/* ---- begin and end ---------------------------------------------------------------------------- */

/* an earlier process's bytes count when they are of the same file */
static void
resume(Transfer *transfer)
{
	const RescueTransferSpec *spec = transfer->spec;
	const RescuePartialIdentity *identity = rescue_partial_identity(spec->partial);
	const GArray *spans = rescue_partial_spans(spec->partial);
	bool same_url = identity != NULL &&
			g_strcmp0(identity->url, rescue_sources_current(transfer->sources)) == 0;
	bool proven = spec->sha256 != NULL || spec->sha1 != NULL;

	if (identity == NULL || (spec->size != 0 && spec->size != identity->size) ||
	    (!same_url && !proven)) {
		(void)rescue_transfer_restart(transfer);
		return;
	}
	(void)rescue_ranges_set_size(transfer->ranges, identity->size);
	for (guint i = 0; i < spans->len; i++)
		(void)rescue_ranges_add(transfer->ranges, g_array_index(spans, RescueSpan, i));
	transfer->resumed = rescue_ranges_done(transfer->ranges) > 0;
	if (same_url) {
		transfer->etag = g_strdup(identity->etag);
		transfer->modified = g_strdup(identity->modified);
	}
}

static bool
transfer_init(Transfer *transfer, const RescueTransferSpec *spec)
{
	int64_t now_us = g_get_monotonic_time();
	bool fine = true;

	*transfer = (Transfer){
		.spec = spec,
		.sources = rescue_sources_new(spec->urls),
		.ranges = rescue_ranges_new(spec->size != 0 ? spec->size : RESCUE_SIZE_UNKNOWN),
		.digest = rescue_digest_new(spec->sha256 == NULL && spec->sha1 != NULL),
		.multi = curl_multi_init(),
		.most = spec->flows != 0 ? MIN(spec->flows, RESCUE_FLOWS_MAX) : RESCUE_FLOWS_MAX,
		.patience_ms = spec->patience_ms > 0 ? spec->patience_ms : PATIENCE_MS,
		.started_us = now_us,
		.progress_us = now_us,
		.changed_us = now_us,
	};
	transfer->cap = get_share(transfer);
	transfer->refilled_us = now_us;
	transfer->stall_ms = MAX(transfer->patience_ms / STALLS, LEAST_STALL_MS);
	for (unsigned i = 0; i < RESCUE_FLOWS_MAX; i++)
		fine = rescue_flow_init(&transfer->flows[i], transfer, i) && fine;
	return fine;
}

static void
transfer_clear(Transfer *transfer)
{
	for (unsigned i = 0; i < RESCUE_FLOWS_MAX; i++)
		rescue_flow_clear(&transfer->flows[i]);
	(void)curl_multi_cleanup(transfer->multi);
	rescue_sources_free(transfer->sources);
	rescue_ranges_free(transfer->ranges);
	rescue_digest_free(transfer->digest);
	g_free(transfer->etag);
	g_free(transfer->modified);
	g_clear_error(&transfer->trouble);
	g_clear_error(&transfer->fatal);
}

static bool
is_what_it_must_be(const RescueTransferSpec *spec, const RescueTransferResult *result)
{
	if (spec->sha256 != NULL)
		return strcmp(spec->sha256, result->sha256) == 0;
	return spec->sha1 == NULL || g_strcmp0(spec->sha1, result->sha1) == 0;
}

/* parts that an earlier process left may be to blame, then the server; false when nobody is left to ask */
static bool
begin_again(Transfer *transfer)
{
	bool resumed = transfer->resumed;

	rescue_transfer_trouble(transfer, RESCUE_FAILURE_DOWNLOAD_MISMATCH,
				"what came from ‘%s’ is not the file that the catalogue names: its "
				"checksum differs",
				rescue_sources_current(transfer->sources));
	if (!resumed && !rescue_sources_give_up(transfer->sources)) {
		rescue_partial_discard(transfer->spec->partial);
		transfer->fatal = g_error_copy(transfer->trouble);
		return false;
	}
	return rescue_transfer_restart(transfer);
}

static bool
run(Transfer *transfer, RescueTransferResult *result)
{
	if (rescue_sources_current(transfer->sources) == NULL) {
		g_set_error(&transfer->fatal, RESCUE_ERROR, RESCUE_FAILURE_DOWNLOAD_REFUSED,
			    "nobody says where this firmware can be had");
		return false;
	}
	resume(transfer);
	while (fetch_all(transfer)) {
		rescue_transfer_result_clear(result);
		rescue_digest_finish(transfer->digest, &result->sha256, &result->sha1);
		result->size = rescue_ranges_size(transfer->ranges);
		result->url = g_strdup(rescue_sources_current(transfer->sources));
		if (is_what_it_must_be(transfer->spec, result))
			return true;
		if (!begin_again(transfer))
			return false;
	}
	return false;
}

bool
rescue_transfer_run(const RescueTransferSpec *spec, RescueTransferResult *ret_result,
		    GError **error)
{
	g_auto(RescueTransferResult) result = { 0 };
	Transfer transfer;
	bool fine = transfer_init(&transfer, spec) && run(&transfer, &result);

	if (fine) {
		rescue_transfer_say(&transfer, NULL);
		*ret_result = result;
		result = (RescueTransferResult){ 0 };
	} else {
		g_propagate_error(error, g_steal_pointer(&transfer.fatal));
	}
	transfer_clear(&transfer);
	return fine;
}
