/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/late.h"

enum { LATE_MS = 500, US_PER_MS = 1000 };

typedef struct {
	GSource base;
	LabRecord *record;
	int64_t left_poll_us; /* 0: not yet */
} Late;

/* between two polls is the loop's own work */
static gboolean
before_poll(GSource *source, int *timeout_ms)
{
	Late *late = (Late *)source;
	int64_t took_ms = (g_get_monotonic_time() - late->left_poll_us) / US_PER_MS;
	if (late->left_poll_us != 0 && took_ms > LATE_MS)
		lab_record_event(late->record, NULL, "late", "i:ms", took_ms, NULL);
	*timeout_ms = -1;
	return FALSE;
}

static gboolean
after_poll(GSource *source)
{
	((Late *)source)->left_poll_us = g_get_monotonic_time();
	return FALSE;
}

GSource *
lab_late_watch(LabRecord *record)
{
	static const GSourceFuncs functions = { .prepare = before_poll, .check = after_poll };
	GSource *source = g_source_new((GSourceFuncs *)&functions, sizeof(Late));
	((Late *)source)->record = record;
	g_source_set_priority(source, G_PRIORITY_HIGH); /* or others would be ready before it */
	g_source_attach(source, NULL);
	return source;
}
