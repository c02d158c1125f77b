/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/late.h"

enum { LATE_MS = 500, US_PER_MS = 1000 };

static LabRecord *record;
static int64_t left_poll_us;

static void
tell(int64_t took_us)
{
	if (record != NULL && took_us > (int64_t)LATE_MS * US_PER_MS)
		lab_record_event(record, NULL, "late", "i:ms", took_us / US_PER_MS, NULL);
}

/* between two polls is the loop's own work; beyond its timeout, a poll shows that nobody let us run */
static int
poll_watched(GPollFD *fds, guint count, int timeout_ms)
{
	int64_t before_us = g_get_monotonic_time();
	if (left_poll_us != 0)
		tell(before_us - left_poll_us);
	int ready = g_poll(fds, count, timeout_ms);
	left_poll_us = g_get_monotonic_time();
	if (ready == 0 && timeout_ms >= 0)
		tell(left_poll_us - before_us - (int64_t)timeout_ms * US_PER_MS);
	return ready;
}

void
lab_late_watch(LabRecord *to)
{
	record = to;
	left_poll_us = 0;
	g_main_context_set_poll_func(NULL, to != NULL ? poll_watched : NULL);
}
