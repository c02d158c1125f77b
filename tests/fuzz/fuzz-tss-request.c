/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/signing/request.h"
#include "tests/fuzz/fuzz.h"

/* a build manifest, and the signing request that is made of it */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_auto(RescueTssRequest) request = { .xml = NULL };
	const RescueSigningQuestion question = {
		.ecid = 1, .chip_id = 0x8015, .board_id = 0x06, .behavior = RESCUE_BEHAVIOR_ERASE
	};

	(void)rescue_tss_request_make((const char *)data, size, &question, &request, NULL);
	return 0;
}
