/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/fetch/head.h"

#include <string.h>

#include "core/base/parse.h"

#define MAX_LINE          4096u
#define MAX_RETRY_AFTER_S 3600u

void
rescue_http_head_clear(RescueHttpHead *head)
{
	g_free(head->etag);
	g_free(head->modified);
	*head = (RescueHttpHead){ 0 };
}

static bool
parse_number(const char *text, uint64_t *ret_number)
{
	return rescue_parse_uint(text, 0, G_MAXINT64, ret_number, NULL);
}

/* "HTTP/1.1 206 Partial Content" */
static void
read_status(RescueHttpHead *head, const char *line)
{
	const char *blank = strchr(line, ' ');
	g_autofree char *digits = blank != NULL ? g_strndup(blank + 1, 3) : NULL;
	uint64_t status;

	rescue_http_head_clear(head);
	if (digits != NULL && rescue_parse_uint(digits, 100, 599, &status, NULL))
		head->status = (unsigned)status;
}

static void
read_length(RescueHttpHead *head, const char *value)
{
	head->has_length = parse_number(value, &head->length);
}

/* "bytes 0-1023/4096", "bytes 0-1023/" and a star */
static void
read_range(RescueHttpHead *head, const char *value)
{
	g_auto(GStrv) parts = NULL;
	uint64_t first, last;

	if (g_ascii_strncasecmp(value, "bytes ", 6) != 0)
		return;
	parts = g_strsplit_set(value + 6, "-/", 4);
	if (g_strv_length(parts) != 3 || !parse_number(parts[0], &first) ||
	    !parse_number(parts[1], &last) || last < first)
		return;
	if (strcmp(parts[2], "*") == 0)
		head->total = RESCUE_SIZE_UNKNOWN;
	else if (!parse_number(parts[2], &head->total) || last >= head->total)
		return;
	head->range = (RescueSpan){ first, last + 1 };
	head->has_range = true;
}

/* a weak tag does not promise the same bytes */
static void
read_etag(RescueHttpHead *head, const char *value)
{
	g_free(head->etag);
	head->etag = value[0] == '"' ? g_strdup(value) : NULL;
}

static void
read_modified(RescueHttpHead *head, const char *value)
{
	g_free(head->modified);
	head->modified = g_strdup(value);
}

static void
read_type(RescueHttpHead *head, const char *value)
{
	head->html = g_ascii_strncasecmp(value, "text/html", 9) == 0 ||
		     g_ascii_strncasecmp(value, "application/xhtml", 17) == 0;
}

/* seconds; a date is not worth the trouble and is taken as not said */
static void
read_retry_after(RescueHttpHead *head, const char *value)
{
	uint64_t seconds;

	if (parse_number(value, &seconds))
		head->retry_after_ms = (int64_t)MIN(seconds, MAX_RETRY_AFTER_S) * 1000;
}

static const struct {
	const char *name;
	void (*read)(RescueHttpHead *head, const char *value);
} fields[] = {
	{ "content-length", read_length },
	{ "content-range", read_range },
	{ "etag", read_etag },
	{ "last-modified", read_modified },
	{ "content-type", read_type },
	{ "retry-after", read_retry_after },
};

void
rescue_http_head_line(RescueHttpHead *head, const char *line, size_t size)
{
	g_autofree char *text = g_strndup(line, MIN(size, MAX_LINE));
	char *colon;

	if (g_str_has_prefix(text, "HTTP/")) {
		read_status(head, text);
		return;
	}
	colon = strchr(text, ':');
	if (colon == NULL || !g_utf8_validate(text, -1, NULL))
		return;
	*colon = '\0';
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
		if (g_ascii_strcasecmp(fields[i].name, text) == 0)
			fields[i].read(head, g_strstrip(colon + 1));
}

uint64_t
rescue_http_total(const RescueHttpHead *head)
{
	if (head->status == 206)
		return head->has_range ? head->total : RESCUE_SIZE_UNKNOWN;
	return head->has_length ? head->length : RESCUE_SIZE_UNKNOWN;
}

static RescueHttpVerdict
judge_status(unsigned status)
{
	if (status == 429 || status == 503)
		return RESCUE_HTTP_BUSY;
	/* a proxy wants a name, a law forbids, a portal says so; 403 is most often the server's own */
	if (status == 407 || status == 451 || status == 511)
		return RESCUE_HTTP_HTML;
	if (status >= 500 || status == 408)
		return RESCUE_HTTP_BROKEN;
	return status >= 400 ? RESCUE_HTTP_REFUSED : RESCUE_HTTP_ODD;
}

static bool
tags_differ(const RescueHttpHead *head, const RescueHttpAsked *asked)
{
	return asked->etag != NULL && head->etag != NULL && strcmp(asked->etag, head->etag) != 0;
}

static RescueHttpVerdict
judge_part(const RescueHttpHead *head, const RescueHttpAsked *asked)
{
	if (!head->has_range || head->range.first != asked->asked.first ||
	    head->range.end > asked->asked.end)
		return RESCUE_HTTP_WRONG_RANGE;
	return tags_differ(head, asked) ? RESCUE_HTTP_CHANGED : RESCUE_HTTP_FINE;
}

static RescueHttpVerdict
judge_whole(const RescueHttpHead *head, const RescueHttpAsked *asked)
{
	if (tags_differ(head, asked))
		return RESCUE_HTTP_CHANGED;
	return asked->asked.first == 0 ? RESCUE_HTTP_FINE : RESCUE_HTTP_WHOLE;
}

RescueHttpVerdict
rescue_http_judge(const RescueHttpHead *head, const RescueHttpAsked *asked)
{
	uint64_t total = rescue_http_total(head);
	bool wrong = asked->size != RESCUE_SIZE_UNKNOWN && total != RESCUE_SIZE_UNKNOWN &&
		     total != asked->size;

	if (head->status == 416)
		return RESCUE_HTTP_CHANGED; /* it has become shorter */
	if (head->status != 200 && head->status != 206)
		return judge_status(head->status);
	if (head->html)
		return RESCUE_HTTP_HTML;
	if (wrong)
		return tags_differ(head, asked) ? RESCUE_HTTP_CHANGED : RESCUE_HTTP_WRONG_SIZE;
	return head->status == 206 ? judge_part(head, asked) : judge_whole(head, asked);
}

bool
rescue_http_looks_like_page(const char *bytes, size_t size)
{
	static const char *const beginnings[] = { "<!doctype", "<html", "<head", "<?xml" };
	size_t i;

	for (i = 0; i < size && g_ascii_isspace(bytes[i]); i++)
		;
	for (size_t k = 0; k < G_N_ELEMENTS(beginnings); k++) {
		size_t length = strlen(beginnings[k]);
		if (size - i >= length &&
		    g_ascii_strncasecmp(bytes + i, beginnings[k], length) == 0)
			return true;
	}
	return false;
}
