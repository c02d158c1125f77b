/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/fuzz/fuzz.h"
#include "transport/engine/relay.h"

/* a line of the relay's log, which another process has written */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autoptr(RescueObservation) seen = rescue_engine_relay_read_line(text);

	if (seen != NULL)
		g_assert_cmpint(seen->signing_status, >=, -599); /* minus an HTTP status */
	return 0;
}
