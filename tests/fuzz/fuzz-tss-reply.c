/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/signing/reply.h"
#include "tests/fuzz/fuzz.h"

/* the signing server's answer; its readers disagree never about the number */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_auto(RescueTssReply) reply = { .message = NULL };
	g_autofree char *message = NULL;
	int status = -1;
	bool peeked = rescue_tss_reply_peek((const char *)data, size, &status, &message);

	if (rescue_tss_reply_parse((const char *)data, size, &reply, NULL)) {
		g_assert_true(peeked);
		g_assert_cmpint(status, ==, reply.status);
		g_assert_true(g_utf8_validate(reply.message, -1, NULL));
	}
	return 0;
}
