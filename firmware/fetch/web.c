/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/fetch/web.h"

#include <curl/curl.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "firmware/fetch/head.h"

#define MAX_REDIRECTS 5L
#define PROGRAM       "idevicerescue/" RESCUE_VERSION

typedef struct {
	GString *body;
	size_t max_bytes;
	const char *range; /* NULL: all of it */
	RescueHttpHead head;
	bool denied; /* by a proxy */
	char error[CURL_ERROR_SIZE];
} Request;

void
rescue_web_part_clear(RescueWebPart *part)
{
	g_free(part->bytes);
	*part = (RescueWebPart){ 0 };
}

void
rescue_web_answer_clear(RescueWebAnswer *answer)
{
	g_free(answer->text);
	*answer = (RescueWebAnswer){ 0 };
}

const char *
rescue_web_ca_file(void)
{
	const char *file = g_getenv("SSL_CERT_FILE");

	return file != NULL && *file != '\0' ? file : NULL;
}

/* what a filter or proxy on the way says about a request that it does not let through */
static const unsigned filter_statuses[] = { 403, 407, 451, 511 };

bool
rescue_web_is_filter_status(unsigned status)
{
	for (size_t i = 0; i < G_N_ELEMENTS(filter_statuses); i++)
		if (filter_statuses[i] == status)
			return true;
	return false;
}

/* the same said instead of making a way to the server */
bool
rescue_web_is_denied(CURL *easy)
{
	long status = 0;

	return curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status) == CURLE_OK &&
	       status > 0 && rescue_web_is_filter_status((unsigned)status);
}

static size_t
on_header(char *line, size_t size, size_t count, void *data)
{
	rescue_http_head_line(&((Request *)data)->head, line, size * count);
	return size * count;
}

static size_t
on_body(char *bytes, size_t size, size_t count, void *data)
{
	Request *request = data;

	bool whole_file = request->range != NULL && request->head.status == 200;

	if (whole_file || request->body->len + size * count > request->max_bytes)
		return 0;
	g_string_append_len(request->body, bytes, (gssize)(size * count));
	return size * count;
}

static CURLcode
perform(Request *request, const char *url, unsigned deadline_ms)
{
	CURL *easy = curl_easy_init();
	bool secure = g_str_has_prefix(url, "https:");
	CURLcode code;

	if (easy == NULL)
		return CURLE_FAILED_INIT;
	(void)curl_easy_setopt(easy, CURLOPT_URL, url);
	(void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_MAXREDIRS, MAX_REDIRECTS);
	(void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
	(void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)deadline_ms);
	/* unpacked it may be a thousand times as large: the limit is on what arrives here */
	if (request->range == NULL)
		(void)curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
	else
		(void)curl_easy_setopt(easy, CURLOPT_RANGE, request->range);
	(void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	if (rescue_web_ca_file() != NULL)
		(void)curl_easy_setopt(easy, CURLOPT_CAINFO, rescue_web_ca_file());
	(void)curl_easy_setopt(easy, CURLOPT_USERAGENT, PROGRAM);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
	(void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->error);
	code = curl_easy_perform(easy);
	request->denied = rescue_web_is_denied(easy);
	curl_easy_cleanup(easy);
	return code;
}

static bool
refuse(const char *url, const Request *request, CURLcode code, GError **error)
{
	bool intercepted = request->denied || code == CURLE_PEER_FAILED_VERIFICATION ||
			   code == CURLE_SSL_CONNECT_ERROR;

	if (code == CURLE_WRITE_ERROR)
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DOWNLOAD_FAILED,
			    "‘%s’ sends more than %zu bytes", url, request->max_bytes);
	else
		g_set_error(error, RESCUE_ERROR,
			    intercepted ? RESCUE_FAILURE_DOWNLOAD_INTERCEPTED
					: RESCUE_FAILURE_DOWNLOAD_FAILED,
			    "no answer from ‘%s’: %s", url,
			    request->error[0] != '\0' ? request->error : curl_easy_strerror(code));
	return false;
}

bool
rescue_web_get(const char *url, size_t max_bytes, unsigned deadline_ms, RescueWebAnswer *ret_answer,
	       GError **error)
{
	Request request = { .body = g_string_new(NULL), .max_bytes = max_bytes };
	CURLcode code = perform(&request, url, deadline_ms);
	bool fine = code == CURLE_OK || refuse(url, &request, code, error);
	bool here = fine && request.head.status == 200;

	if (fine)
		*ret_answer = (RescueWebAnswer){ .status = request.head.status,
						 .html = request.head.html,
						 .retry_after_ms = request.head.retry_after_ms,
						 .size = here ? request.body->len : 0 };
	if (here)
		ret_answer->text = g_string_free(request.body, FALSE);
	else
		(void)g_string_free(request.body, TRUE);
	rescue_http_head_clear(&request.head);
	return fine;
}

static bool
refuse_part(const char *url, const Request *request, CURLcode code, GError **error)
{
	const RescueHttpHead *head = &request->head;

	if (head->status == 200)
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DOWNLOAD_FAILED,
			    "‘%s’ gives whole files only, no parts of them", url);
	else if (code != CURLE_OK)
		return refuse(url, request, code, error);
	else
		g_set_error(error, RESCUE_ERROR,
			    head->status >= 400 && head->status < 500
				? RESCUE_FAILURE_DOWNLOAD_REFUSED
				: RESCUE_FAILURE_DOWNLOAD_FAILED,
			    "‘%s’ answers %u", url, head->status);
	return false;
}

static bool
is_part(const Request *request)
{
	const RescueHttpHead *head = &request->head;

	return head->status == 206 && head->has_range && head->total != RESCUE_SIZE_UNKNOWN &&
	       head->range.end - head->range.first == request->body->len;
}

bool
rescue_web_get_part(const char *url, const char *range, size_t max_bytes, unsigned deadline_ms,
		    RescueWebPart *ret_part, GError **error)
{
	Request request = { .body = g_string_new(NULL), .max_bytes = max_bytes, .range = range };
	CURLcode code = perform(&request, url, deadline_ms);
	bool fine = code == CURLE_OK && is_part(&request);

	if (fine)
		*ret_part = (RescueWebPart){ .size = request.body->len,
					     .offset = request.head.range.first,
					     .total = request.head.total };
	else
		(void)refuse_part(url, &request, code, error);
	if (fine)
		ret_part->bytes = g_string_free(request.body, FALSE);
	else
		(void)g_string_free(request.body, TRUE);
	rescue_http_head_clear(&request.head);
	return fine;
}
