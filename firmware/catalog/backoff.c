/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/catalog/backoff.h"

#include <string.h>

#include "core/base/json.h"
#include "core/base/path.h"

#define MAX_BYTES     (64u * 1024)
#define FIRST_MS      2000
#define LONGEST_MS    (15 * 60 * 1000)
#define MAX_DOUBLINGS 9

struct RescueBackoff {
	char *path;
	int64_t now_us;
	RescueJson *hosts; /* host → {"until", "failures"} */
};

RescueBackoff *
rescue_backoff_load(const char *cache_dir, int64_t now_us)
{
	RescueBackoff *backoff = g_new0(RescueBackoff, 1);
	g_autofree char *text = NULL;
	size_t size = 0;

	backoff->path = g_build_filename(cache_dir, "catalogue", "backoff.json", NULL);
	backoff->now_us = now_us;
	text = rescue_path_read(backoff->path, MAX_BYTES, &size, NULL);
	if (text != NULL)
		backoff->hosts = rescue_json_parse(text, size, NULL);
	if (backoff->hosts == NULL)
		backoff->hosts = rescue_json_object_new();
	return backoff;
}

void
rescue_backoff_free(RescueBackoff *backoff)
{
	if (backoff == NULL)
		return;
	rescue_json_free(backoff->hosts);
	g_free(backoff->path);
	g_free(backoff);
}

/* host and port: several servers may share a host in a laboratory */
static char *
host_of(const char *url)
{
	const char *host = strstr(url, "://");

	host = host != NULL ? host + 3 : url;
	return g_strndup(host, strcspn(host, "/?#"));
}

/* a clock that was set back does not make it wait for years */
bool
rescue_backoff_may_ask(const RescueBackoff *backoff, const char *url)
{
	g_autofree char *host = host_of(url);
	const RescueJson *one = rescue_json_get(backoff->hosts, host);
	int64_t until_us = 0;

	if (one == NULL || !rescue_json_get_int(one, "until", &until_us))
		return true;
	return until_us <= backoff->now_us ||
	       until_us - backoff->now_us > (int64_t)LONGEST_MS * 2000;
}

/* one that cannot be kept is forgotten */
static void
save(const RescueBackoff *backoff)
{
	g_autofree char *text = rescue_json_dump(backoff->hosts);

	(void)rescue_path_write(backoff->path, text, strlen(text), 0644, NULL);
}

void
rescue_backoff_note(RescueBackoff *backoff, const char *url, int64_t retry_after_ms)
{
	g_autofree char *host = host_of(url);
	const RescueJson *one = rescue_json_get(backoff->hosts, host);
	RescueJson *fresh = rescue_json_object_new();
	int64_t failures = 0, pause_ms;

	if (one != NULL)
		(void)rescue_json_get_int(one, "failures", &failures);
	failures = CLAMP(failures, 0, MAX_DOUBLINGS);
	pause_ms = MIN((int64_t)FIRST_MS << failures, LONGEST_MS);
	pause_ms = MAX(pause_ms, MIN(retry_after_ms, LONGEST_MS));
	rescue_json_set_int(fresh, "until", backoff->now_us + pause_ms * 1000);
	rescue_json_set_int(fresh, "failures", failures + 1);
	rescue_json_take(backoff->hosts, host, fresh);
	save(backoff);
}

void
rescue_backoff_clear(RescueBackoff *backoff, const char *url)
{
	g_autofree char *host = host_of(url);

	if (rescue_json_get(backoff->hosts, host) == NULL)
		return;
	rescue_json_take(backoff->hosts, host, rescue_json_object_new());
	save(backoff);
}
