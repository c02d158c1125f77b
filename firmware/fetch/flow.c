/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>
#include <sys/socket.h>

#include "core/base/error.h"
#include "firmware/fetch/transfer-internal.h"
#include "firmware/fetch/web.h"

#define BUFFER_BYTES (512L * 1024)
#define CAPPED_BYTES (16L * 1024) /* finer steps where bandwidth is measured out */
#define SAVE_BYTES \
	(UINT64_C(512) * 1024) /* with one buffer more, at most 1 MiB is lost by a kill */
/* what the kernel holds for a flow that waits for its bandwidth would be lost, too; it doubles the number */
#define CAPPED_SOCKET (128 * 1024)
#define MAX_REDIRECTS 5L
#define CONNECT_MS    15000
#define PROGRAM       "idevicerescue/" RESCUE_VERSION

/* ---- what comes ------------------------------------------------------------------------------- */

static size_t
on_header(char *line, size_t size, size_t count, void *data)
{
	Flow *flow = data;

	flow->last_us = g_get_monotonic_time();
	rescue_http_head_line(&flow->head, line, size * count);
	return size * count;
}

/* the first answer tells what the file is; later ones have to agree with it */
static bool
learn(Flow *flow)
{
	Transfer *transfer = flow->transfer;
	uint64_t total = rescue_http_total(&flow->head);
	RescuePartialIdentity identity = { .url = (char *)rescue_sources_current(transfer->sources),
					   .etag = flow->head.etag,
					   .modified = flow->head.modified,
					   .size = total };
	const RescuePartialIdentity *known = rescue_partial_identity(transfer->spec->partial);

	if (total != RESCUE_SIZE_UNKNOWN && !rescue_ranges_set_size(transfer->ranges, total))
		return false;
	identity.size = rescue_ranges_size(transfer->ranges);
	if (known != NULL && g_strcmp0(known->url, identity.url) == 0 &&
	    g_strcmp0(known->etag, identity.etag) == 0)
		return true;
	g_free(transfer->etag);
	g_free(transfer->modified);
	transfer->etag = g_strdup(identity.etag);
	transfer->modified = g_strdup(identity.modified);
	return rescue_partial_begin(transfer->spec->partial, &identity, transfer->ranges,
				    &transfer->fatal);
}

void
rescue_flow_judge(Flow *flow, const char *bytes, size_t size)
{
	const Transfer *transfer = flow->transfer;
	const RescueHttpAsked asked = {
		.asked = flow->asked,
		.size = transfer->spec->size != 0 ? transfer->spec->size
						  : rescue_ranges_size(transfer->ranges),
		.etag = transfer->etag,
	};

	flow->judged = true;
	flow->verdict = rescue_http_judge(&flow->head, &asked);
	if (flow->verdict == RESCUE_HTTP_FINE && flow->asked.first == 0 &&
	    rescue_http_looks_like_page(bytes, size))
		flow->verdict = RESCUE_HTTP_HTML;
	if (flow->verdict == RESCUE_HTTP_FINE && !learn(flow))
		flow->verdict = RESCUE_HTTP_ODD;
}

/* in order the bytes are digested while they are in the cache of the processor */
static bool
keep(Flow *flow, const char *bytes, uint64_t size, uint64_t offset)
{
	Transfer *transfer = flow->transfer;

	if (!rescue_partial_write(transfer->spec->partial, bytes, size, offset, &transfer->fatal))
		return false;
	if (rescue_digest_size(transfer->digest) == offset)
		rescue_digest_add(transfer->digest, bytes, size);
	(void)rescue_ranges_arrived(transfer->ranges, flow->id, size);
	transfer->session_bytes += size;
	flow->brought += size;
	flow->unsaved += size;
	if (flow->unsaved < SAVE_BYTES)
		return true;
	for (unsigned i = 0; i < RESCUE_FLOWS_MAX; i++)
		transfer->flows[i].unsaved = 0;
	return rescue_partial_save(transfer->spec->partial, transfer->ranges, &transfer->fatal);
}

/* returning less than came ends the request: also when another flow took the rest of the piece over */
static size_t
on_body(char *bytes, size_t size, size_t count, void *data)
{
	Flow *flow = data;
	Transfer *transfer = flow->transfer;
	uint64_t useful, came = (uint64_t)size * count;
	RescueSpan left;

	if (transfer->cap > 0 && transfer->tokens <= 0) {
		flow->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	if (!flow->judged)
		rescue_flow_judge(flow, bytes, came);
	if (flow->verdict != RESCUE_HTTP_FINE ||
	    !rescue_ranges_flow(transfer->ranges, flow->id, &left))
		return 0;
	flow->last_us = transfer->progress_us = g_get_monotonic_time();
	useful = MIN(came, left.end - left.first);
	transfer->tokens -= (double)came;
	if (useful > 0 && !keep(flow, bytes, useful, left.first))
		return 0;
	return useful == came ? came : 0;
}

static int
on_socket(void *data, curl_socket_t fd, curlsocktype purpose)
{
	const Flow *flow = data;
	int bytes = CAPPED_SOCKET;

	/* without a limit we read as fast as it comes, and the kernel knows best */
	if (flow->transfer->cap > 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	return CURL_SOCKOPT_OK;
}

/* ---- what is asked ---------------------------------------------------------------------------- */

static void
set_always(Flow *flow)
{
	const struct {
		CURLoption option;
		long value;
	} longs[] = {
		{ CURLOPT_NOSIGNAL, 1 },
		{ CURLOPT_FOLLOWLOCATION, 1 },
		{ CURLOPT_MAXREDIRS, MAX_REDIRECTS },
		{ CURLOPT_BUFFERSIZE, flow->transfer->cap > 0 ? CAPPED_BYTES : BUFFER_BYTES },
		/* over HTTP/2 all parts would share one TCP flow */
		{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
		{ CURLOPT_CONNECTTIMEOUT_MS, (long)MIN(flow->transfer->stall_ms, CONNECT_MS) },
		{ CURLOPT_SSL_VERIFYPEER, 1 },
		{ CURLOPT_SSL_VERIFYHOST, 2 },
		{ CURLOPT_TCP_KEEPALIVE, 1 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(longs); i++)
		(void)curl_easy_setopt(flow->easy, longs[i].option, longs[i].value);
	(void)curl_easy_setopt(flow->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(flow->easy, CURLOPT_USERAGENT, PROGRAM);
	(void)curl_easy_setopt(flow->easy, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(flow->easy, CURLOPT_HEADERDATA, flow);
	(void)curl_easy_setopt(flow->easy, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(flow->easy, CURLOPT_WRITEDATA, flow);
	(void)curl_easy_setopt(flow->easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
	(void)curl_easy_setopt(flow->easy, CURLOPT_SOCKOPTDATA, flow);
	(void)curl_easy_setopt(flow->easy, CURLOPT_ERRORBUFFER, flow->error);
	if (rescue_web_ca_file() != NULL)
		(void)curl_easy_setopt(flow->easy, CURLOPT_CAINFO, rescue_web_ca_file());
	(void)curl_easy_setopt(flow->easy, CURLOPT_PRIVATE, flow);
}

bool
rescue_flow_init(Flow *flow, Transfer *transfer, unsigned id)
{
	flow->transfer = transfer;
	flow->id = id;
	flow->easy = curl_easy_init();
	if (flow->easy == NULL) {
		g_set_error(&transfer->fatal, RESCUE_ERROR, RESCUE_ERROR_INTERNAL,
			    "libcurl does not start");
		return false;
	}
	set_always(flow);
	return true;
}

void
rescue_flow_clear(Flow *flow)
{
	if (flow->active)
		(void)curl_multi_remove_handle(flow->transfer->multi, flow->easy);
	curl_easy_cleanup(flow->easy);
	curl_slist_free_all(flow->extra);
	rescue_http_head_clear(&flow->head);
}

/* with it a server that has another file by now sends that one whole, instead of a part that does not fit */
static void
set_condition(Flow *flow)
{
	const Transfer *transfer = flow->transfer;
	const char *mark = transfer->etag != NULL ? transfer->etag : transfer->modified;
	g_autofree char *header = mark != NULL ? g_strconcat("If-Range: ", mark, NULL) : NULL;

	curl_slist_free_all(flow->extra);
	flow->extra = header != NULL && !transfer->no_ranges ? curl_slist_append(NULL, header)
							     : NULL;
	(void)curl_easy_setopt(flow->easy, CURLOPT_HTTPHEADER, flow->extra);
}

static void
set_range(Flow *flow)
{
	g_autofree char *range = NULL;

	if (flow->asked.end == RESCUE_SIZE_UNKNOWN)
		range = g_strdup_printf("%" G_GUINT64_FORMAT "-", flow->asked.first);
	else
		range = g_strdup_printf("%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT,
					flow->asked.first, flow->asked.end - 1);
	(void)curl_easy_setopt(flow->easy, CURLOPT_RANGE, flow->transfer->no_ranges ? NULL : range);
}

void
rescue_flow_start(Flow *flow, RescueSpan piece)
{
	const char *url = rescue_sources_current(flow->transfer->sources);
	bool secure = g_str_has_prefix(url, "https:");

	rescue_http_head_clear(&flow->head);
	flow->asked = piece;
	flow->judged = false;
	flow->verdict = RESCUE_HTTP_ODD;
	flow->brought = 0;
	flow->paused = false;
	flow->error[0] = '\0';
	flow->last_us = g_get_monotonic_time();
	(void)curl_easy_setopt(flow->easy, CURLOPT_URL, url);
	/* what begins encrypted is not led into the open */
	(void)curl_easy_setopt(flow->easy, CURLOPT_REDIR_PROTOCOLS_STR,
			       secure ? "https" : "http,https");
	set_condition(flow);
	set_range(flow);
	flow->active = curl_multi_add_handle(flow->transfer->multi, flow->easy) == CURLM_OK;
}

void
rescue_flow_stop(Flow *flow)
{
	if (flow->active)
		(void)curl_multi_remove_handle(flow->transfer->multi, flow->easy);
	flow->active = false;
	rescue_ranges_drop(flow->transfer->ranges, flow->id);
}

void
rescue_flow_resume(Flow *flow)
{
	if (!flow->active || !flow->paused)
		return;
	flow->paused = false;
	flow->last_us = g_get_monotonic_time();
	/* an error of this shows as the end of the request */
	(void)curl_easy_pause(flow->easy, CURLPAUSE_CONT);
}
