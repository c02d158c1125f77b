/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/fetch/sources.h"

#define FIRST_PAUSE_US   (G_USEC_PER_SEC / 2)
#define LONGEST_PAUSE_US (30 * G_USEC_PER_SEC)
#define MAX_DOUBLINGS    10u
#define PATIENCE         2u /* failures in a row before another one has its turn */

typedef struct {
	char *url;
	bool dead;
	unsigned failures;
	int64_t ready_us;
} Source;

struct RescueSources {
	GArray *all; /* Source */
	guint current;
};

static Source *
at(const RescueSources *sources, guint i)
{
	return &g_array_index(sources->all, Source, i);
}

static void
clear_source(void *data)
{
	g_free(((Source *)data)->url);
}

RescueSources *
rescue_sources_new(char *const *urls)
{
	RescueSources *sources = g_new0(RescueSources, 1);

	sources->all = g_array_new(FALSE, TRUE, sizeof(Source));
	g_array_set_clear_func(sources->all, clear_source);
	for (; *urls != NULL; urls++) {
		Source source = { .url = g_strdup(*urls) };
		g_array_append_val(sources->all, source);
	}
	return sources;
}

void
rescue_sources_free(RescueSources *sources)
{
	if (sources == NULL)
		return;
	g_array_unref(sources->all);
	g_free(sources);
}

const char *
rescue_sources_current(const RescueSources *sources)
{
	return sources->current < sources->all->len ? at(sources, sources->current)->url : NULL;
}

void
rescue_sources_fine(RescueSources *sources)
{
	at(sources, sources->current)->failures = 0;
}

/* the next that lives, in a circle; itself when it is the only one */
static bool
go_on(RescueSources *sources)
{
	guint n = sources->all->len;

	for (guint i = 1; i <= n; i++) {
		guint next = (sources->current + i) % n;
		if (at(sources, next)->dead)
			continue;
		sources->current = next;
		return true;
	}
	sources->current = n;
	return false;
}

void
rescue_sources_failed(RescueSources *sources, int64_t now_us, int64_t retry_after_ms)
{
	Source *source = at(sources, sources->current);
	int64_t pause_us = FIRST_PAUSE_US << MIN(source->failures, MAX_DOUBLINGS);

	source->failures++;
	source->ready_us = now_us + MAX(MIN(pause_us, LONGEST_PAUSE_US), retry_after_ms * 1000);
	if (source->failures % PATIENCE == 0)
		(void)go_on(sources);
}

bool
rescue_sources_give_up(RescueSources *sources)
{
	at(sources, sources->current)->dead = true;
	return go_on(sources);
}

int64_t
rescue_sources_ready_us(const RescueSources *sources)
{
	return sources->current < sources->all->len ? at(sources, sources->current)->ready_us : 0;
}
