/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "firmware/fetch/head.h"
#include "tests/fuzz/fuzz.h"

/* what is asked for, and of which file: a part in the middle, the rest, all of an unknown one */
static const RescueHttpAsked questions[] = {
	{ .asked = { 1024, 4096 }, .size = 65536, .etag = "\"one\"" },
	{ .asked = { 4096, 65536 }, .size = 65536 },
	{ .asked = { 0, RESCUE_SIZE_UNKNOWN }, .size = RESCUE_SIZE_UNKNOWN },
};

/* an answer that passes gives bytes of this file only, and only those that were asked for */
static void
judge(const RescueHttpHead *head, const RescueHttpAsked *question)
{
	uint64_t total = rescue_http_total(head);

	if (rescue_http_judge(head, question) != RESCUE_HTTP_FINE)
		return;
	g_assert_true(head->status == 200 || head->status == 206);
	g_assert_false(head->html);
	if (question->size != RESCUE_SIZE_UNKNOWN && total != RESCUE_SIZE_UNKNOWN)
		g_assert_cmpuint(total, ==, question->size);
	if (head->status == 200) {
		g_assert_cmpuint(question->asked.first, ==, 0);
		return;
	}
	g_assert_cmpuint(head->range.first, ==, question->asked.first);
	g_assert_cmpuint(head->range.end, <=, question->asked.end);
	g_assert_cmpuint(head->range.end, >, head->range.first);
}

/* the lines before the bytes of a download, and the first bytes themselves */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *end = text + size;
	g_auto(RescueHttpHead) head = { 0 };

	(void)rescue_http_looks_like_page(text, size);
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t length = stop != NULL ? (size_t)(stop - text) + 1 : (size_t)(end - text);
		rescue_http_head_line(&head, text, length);
		text += length;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(questions); i++)
		judge(&head, &questions[i]);
	return 0;
}
