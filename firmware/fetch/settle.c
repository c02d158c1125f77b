/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "firmware/fetch/transfer-internal.h"
#include "firmware/fetch/web.h"

/* What an ended request means for the download: go on, wait, ask somebody else, begin anew, or give up. */

#define MAX_RESTARTS     3u
#define MAX_WRONG_RANGES 2u
#define FLOW_PAUSE_US    (G_USEC_PER_SEC / 2) /* before a flow beside living ones is tried again */

void
rescue_transfer_trouble(Transfer *transfer, int failure, const char *format, ...)
{
	va_list args;

	g_clear_error(&transfer->trouble);
	va_start(args, format);
	transfer->trouble = g_error_new_valist(RESCUE_ERROR, failure, format, args);
	va_end(args);
	rescue_transfer_say(transfer, transfer->trouble->message);
}

static void
end_in_trouble(Transfer *transfer)
{
	if (transfer->fatal == NULL)
		transfer->fatal = g_error_copy(transfer->trouble);
}

bool
rescue_transfer_restart(Transfer *transfer)
{
	uint64_t size = transfer->spec->size != 0 ? transfer->spec->size : RESCUE_SIZE_UNKNOWN;

	for (unsigned i = 0; i < RESCUE_FLOWS_MAX; i++)
		rescue_flow_stop(&transfer->flows[i]);
	rescue_ranges_free(transfer->ranges);
	transfer->ranges = rescue_ranges_new(size);
	rescue_digest_reset(transfer->digest);
	g_clear_pointer(&transfer->etag, g_free);
	g_clear_pointer(&transfer->modified, g_free);
	transfer->resumed = false;
	return rescue_partial_forget(transfer->spec->partial, &transfer->fatal);
}

static bool
has_digest(const Transfer *transfer)
{
	return transfer->spec->sha256 != NULL || transfer->spec->sha1 != NULL;
}

/* Parts from two places make one file only when a digest proves it at the end. */
static void
follow_source(Transfer *transfer, const char *before)
{
	const char *now = rescue_sources_current(transfer->sources);

	if (now == before || now == NULL)
		return;
	for (unsigned i = 0; i < RESCUE_FLOWS_MAX; i++)
		rescue_flow_stop(&transfer->flows[i]);
	g_clear_pointer(&transfer->etag, g_free);
	g_clear_pointer(&transfer->modified, g_free);
	transfer->no_ranges = false;
	transfer->most = RESCUE_FLOWS_MAX;
	if (rescue_ranges_done(transfer->ranges) > 0 && !has_digest(transfer))
		(void)rescue_transfer_restart(transfer);
	rescue_transfer_say(transfer, "going on with another server");
}

static void
give_up_source(Transfer *transfer)
{
	const char *before = rescue_sources_current(transfer->sources);

	if (!rescue_sources_give_up(transfer->sources))
		end_in_trouble(transfer);
	else
		follow_source(transfer, before);
}

/* while other flows bring bytes, one that does not is only tried again a little later */
static void
try_later(Transfer *transfer, int64_t retry_after_ms)
{
	const char *before = rescue_sources_current(transfer->sources);
	int64_t now_us = g_get_monotonic_time();

	transfer->next_flow_us = now_us + FLOW_PAUSE_US;
	if (rescue_transfer_open_flows(transfer) > 0)
		return;
	rescue_sources_failed(transfer->sources, now_us, retry_after_ms);
	follow_source(transfer, before);
}

static void
settle_busy(Flow *flow)
{
	Transfer *transfer = flow->transfer;
	unsigned open = rescue_transfer_open_flows(transfer);

	rescue_transfer_trouble(transfer, RESCUE_FAILURE_DOWNLOAD_FAILED,
				"the server is too busy (HTTP %u)", flow->head.status);
	transfer->most = MAX(open, 1);
	try_later(transfer, flow->head.retry_after_ms);
}

static void
settle_broken(Flow *flow)
{
	rescue_transfer_trouble(flow->transfer, RESCUE_FAILURE_DOWNLOAD_FAILED,
				"the server failed (HTTP %u)", flow->head.status);
	try_later(flow->transfer, flow->head.retry_after_ms);
}

static void
settle_refused(Flow *flow)
{
	rescue_transfer_trouble(flow->transfer, RESCUE_FAILURE_DOWNLOAD_REFUSED,
				"the server does not give ‘%s’ (HTTP %u)",
				rescue_sources_current(flow->transfer->sources), flow->head.status);
	give_up_source(flow->transfer);
}

static void
settle_html(Flow *flow)
{
	rescue_transfer_trouble(flow->transfer, RESCUE_FAILURE_DOWNLOAD_INTERCEPTED,
				"a web page came in place of ‘%s’ (HTTP %u): a portal, filter or "
				"proxy answers instead of the server",
				rescue_sources_current(flow->transfer->sources), flow->head.status);
	give_up_source(flow->transfer);
}

static void
settle_wrong_size(Flow *flow)
{
	rescue_transfer_trouble(flow->transfer, RESCUE_FAILURE_DOWNLOAD_MISMATCH,
				"‘%s’ has %" G_GUINT64_FORMAT
				" bytes, the catalogue says %" G_GUINT64_FORMAT,
				rescue_sources_current(flow->transfer->sources),
				rescue_http_total(&flow->head), flow->transfer->spec->size);
	give_up_source(flow->transfer);
}

static void
settle_changed(Flow *flow)
{
	Transfer *transfer = flow->transfer;

	rescue_transfer_trouble(transfer, RESCUE_FAILURE_DOWNLOAD_FAILED,
				"the file on the server has changed meanwhile");
	if (++transfer->restarts > MAX_RESTARTS)
		give_up_source(transfer);
	else if (rescue_transfer_restart(transfer))
		rescue_transfer_say(transfer, "the download begins anew");
}

static void
settle_whole(Flow *flow)
{
	flow->transfer->no_ranges = true;
	flow->transfer->most = 1;
	rescue_transfer_say(flow->transfer,
			    "the server sends whole files only: the download begins anew");
	(void)rescue_transfer_restart(flow->transfer);
}

static void
settle_wrong_range(Flow *flow)
{
	rescue_transfer_trouble(flow->transfer, RESCUE_FAILURE_DOWNLOAD_FAILED,
				"the server sent another part of the file than was asked for");
	if (++flow->transfer->wrong_ranges >= MAX_WRONG_RANGES)
		settle_whole(flow);
	else
		try_later(flow->transfer, 0);
}

static void
settle_odd(Flow *flow)
{
	rescue_transfer_trouble(flow->transfer, RESCUE_FAILURE_DOWNLOAD_FAILED,
				"the server's answer makes no sense (HTTP %u)", flow->head.status);
	try_later(flow->transfer, 0);
}

static void (*const settlers[])(Flow *flow) = {
	[RESCUE_HTTP_WHOLE] = settle_whole,
	[RESCUE_HTTP_CHANGED] = settle_changed,
	[RESCUE_HTTP_WRONG_SIZE] = settle_wrong_size,
	[RESCUE_HTTP_WRONG_RANGE] = settle_wrong_range,
	[RESCUE_HTTP_HTML] = settle_html,
	[RESCUE_HTTP_BUSY] = settle_busy,
	[RESCUE_HTTP_BROKEN] = settle_broken,
	[RESCUE_HTTP_REFUSED] = settle_refused,
	[RESCUE_HTTP_ODD] = settle_odd,
};

static bool
is_interception(CURLcode code)
{
	return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR ||
	       code == CURLE_SSL_ISSUER_ERROR || code == CURLE_SSL_INVALIDCERTSTATUS;
}

static void
settle_network(Flow *flow, CURLcode code)
{
	Transfer *transfer = flow->transfer;
	const char *why = flow->error[0] != '\0' ? flow->error : curl_easy_strerror(code);

	if (is_interception(code) || rescue_web_is_denied(flow->easy)) {
		rescue_transfer_trouble(transfer, RESCUE_FAILURE_DOWNLOAD_INTERCEPTED,
					"no trusted connection to the server of ‘%s’: %s",
					rescue_sources_current(transfer->sources), why);
		give_up_source(transfer);
		return;
	}
	if (code == CURLE_OK)
		why = "it ended too early";
	rescue_transfer_trouble(transfer, RESCUE_FAILURE_DOWNLOAD_FAILED,
				"the download broke off: %s", why);
	try_later(transfer, 0);
}

/* a server that tells no size says by its end where the end is */
static bool
brought_its_piece(Flow *flow, CURLcode code)
{
	RescueRanges *ranges = flow->transfer->ranges;
	RescueSpan left;

	if (!rescue_ranges_flow(ranges, flow->id, &left))
		return false;
	if (code == CURLE_OK && left.end == RESCUE_SIZE_UNKNOWN && left.first > 0)
		return rescue_ranges_set_size(ranges, left.first);
	return left.first == left.end;
}

void
rescue_flow_settle(Flow *flow, CURLcode code)
{
	Transfer *transfer = flow->transfer;
	bool whole;

	if (!flow->judged && code == CURLE_OK)
		rescue_flow_judge(flow, "", 0);
	whole = flow->verdict == RESCUE_HTTP_FINE && brought_its_piece(flow, code);
	rescue_flow_stop(flow);
	if (transfer->fatal != NULL)
		return;
	if (flow->brought > 0)
		rescue_sources_fine(transfer->sources);
	if (whole)
		return;
	if (flow->judged && flow->verdict != RESCUE_HTTP_FINE)
		settlers[flow->verdict](flow);
	else
		settle_network(flow, code);
}

void
rescue_flow_settle_stall(Flow *flow)
{
	rescue_flow_stop(flow);
	rescue_transfer_trouble(flow->transfer, RESCUE_FAILURE_DOWNLOAD_FAILED,
				"nothing came from the server for %" G_GINT64_FORMAT " s",
				(flow->transfer->stall_ms + 999) / 1000);
	try_later(flow->transfer, 0);
}
