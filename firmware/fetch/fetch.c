/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/fetch/fetch.h"

#include <unistd.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "core/process/process.h"

#define END_MS 2000u

struct RescueFetch {
	char *program, *cache_dir, *mirror, *limit_rate, *cache_limit;
	int64_t patience_ms;
	RescueInbox *inbox;
	RescueProcess *child;
	bool ended; /* its last word has been passed on */
	int hold;   /* keeps the file from being evicted */
};

RescueFetch *
rescue_fetch_new(const RescueFetchSpec *spec)
{
	RescueFetch *fetch = g_new0(RescueFetch, 1);

	fetch->program = g_strdup(spec->program);
	fetch->cache_dir = g_strdup(spec->cache_dir);
	fetch->mirror = g_strdup(spec->mirror);
	fetch->limit_rate = g_strdup(spec->limit_rate);
	fetch->cache_limit = g_strdup(spec->cache_limit);
	fetch->patience_ms = spec->patience_ms;
	fetch->inbox = spec->inbox;
	fetch->hold = -1;
	return fetch;
}

static void
let_go(RescueFetch *fetch)
{
	if (fetch->hold >= 0)
		(void)close(fetch->hold);
	fetch->hold = -1;
}

void
rescue_fetch_free(RescueFetch *fetch)
{
	if (fetch == NULL)
		return;
	rescue_process_free(fetch->child);
	let_go(fetch);
	g_free(fetch->program);
	g_free(fetch->cache_dir);
	g_free(fetch->mirror);
	g_free(fetch->limit_rate);
	g_free(fetch->cache_limit);
	g_free(fetch);
}

void
rescue_fetch_set_patience(RescueFetch *fetch, int64_t patience_ms)
{
	fetch->patience_ms = patience_ms;
}

char *
rescue_fetch_depot_dir(const char *cache_dir)
{
	return g_build_filename(cache_dir, "firmware", NULL);
}

/* ---- what the child says ---------------------------------------------------------------------- */

static void
post(RescueFetch *fetch, RescueObservation *seen)
{
	fetch->ended |= seen->path != NULL || seen->error != NULL;
	rescue_inbox_post(fetch->inbox, seen);
}

static void
post_error(RescueFetch *fetch, GError *error)
{
	RescueObservation *seen = rescue_observation_new(RESCUE_OBSERVED_FETCH);

	seen->error = error;
	post(fetch, seen);
}

/*
 * Held before the job hears of it, so that it cannot be evicted in between. The child has talked to the world: an
 * engine is handed nothing but what lies in the depot, whatever the child says.
 */
static bool
hold(RescueFetch *fetch, const char *sha256, const char *path, GError **error)
{
	g_autofree char *dir = rescue_fetch_depot_dir(fetch->cache_dir);
	g_autoptr(RescueDepot) depot = rescue_depot_open(dir, error);

	let_go(fetch);
	if (depot == NULL)
		return false;
	if (rescue_depot_is_content(depot, sha256, path))
		fetch->hold = rescue_depot_hold(depot, sha256, error);
	else
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_INTERNAL,
			    "the download says that its file is ‘%s’, which is no place in the "
			    "depot ‘%s’; it is not used",
			    path, dir);
	return fetch->hold >= 0;
}

static void
on_line(const char *line, void *data)
{
	RescueFetch *fetch = data;
	g_autofree char *sha256 = NULL;
	g_autoptr(RescueObservation) seen = rescue_fetch_read_line(line, &sha256);
	GError *error = NULL;

	if (seen == NULL || fetch->ended)
		return;
	if (seen->path != NULL && !hold(fetch, sha256, seen->path, &error))
		post_error(fetch, error);
	else
		post(fetch, g_steal_pointer(&seen));
}

static void
on_exit_seen(int status, int signal, void *data)
{
	RescueFetch *fetch = data;

	if (fetch->ended)
		return;
	/* the next try goes on where this one was cut off */
	post_error(fetch, g_error_new(RESCUE_ERROR, RESCUE_FAILURE_DOWNLOAD_FAILED,
				      "the download ended without a word (status %d, signal %d)",
				      status, signal));
}

/* ---- the port --------------------------------------------------------------------------------- */

static void
add_pair(GPtrArray *argv, const char *option, const char *value)
{
	if (value == NULL)
		return;
	g_ptr_array_add(argv, g_strdup(option));
	g_ptr_array_add(argv, g_strdup(value));
}

static GPtrArray *
make_argv(const RescueFetch *fetch, const RescueRelease *release, bool distrust)
{
	GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(RescueJson) json = rescue_release_to_json(release);
	g_autofree char *text = rescue_json_dump(json);
	g_autofree char *patience = g_strdup_printf("%" G_GINT64_FORMAT "ms", fetch->patience_ms);

	g_ptr_array_add(argv, g_strdup(fetch->program));
	add_pair(argv, "--cache", fetch->cache_dir);
	add_pair(argv, "--mirror", fetch->mirror);
	add_pair(argv, "--limit-rate", fetch->limit_rate);
	add_pair(argv, "--cache-limit", fetch->cache_limit);
	g_ptr_array_add(argv, g_strdup("--json"));
	g_ptr_array_add(argv, g_strdup("firmware"));
	g_ptr_array_add(argv, g_strdup("fetch"));
	g_ptr_array_add(argv, g_strdup("--worker"));
	add_pair(argv, "--patience", fetch->patience_ms > 0 ? patience : NULL);
	if (distrust)
		g_ptr_array_add(argv, g_strdup("--distrust"));
	add_pair(argv, "--release", text);
	g_ptr_array_add(argv, NULL);
	return argv;
}

static bool
start(void *self, const RescueRelease *release, bool distrust, GError **error)
{
	RescueFetch *fetch = self;
	g_autoptr(GPtrArray) argv = make_argv(fetch, release, distrust);
	const RescueProcessSpec spec = {
		.argv = (const char *const *)argv->pdata,
		.inherit_fd = -1,
		.on_line = on_line,
		.on_exit = on_exit_seen,
		.data = fetch,
	};

	g_clear_pointer(&fetch->child, rescue_process_free);
	fetch->ended = false;
	fetch->child = rescue_process_start(&spec, error);
	return fetch->child != NULL;
}

static void
end(void *self)
{
	RescueFetch *fetch = self;

	/* what it would have said is of no use any more */
	fetch->ended = true;
	if (fetch->child != NULL && rescue_process_is_running(fetch->child))
		rescue_process_end(fetch->child, END_MS);
}

static bool
is_here(void *self, const RescueRelease *release)
{
	const RescueFetch *fetch = self;
	g_autofree char *dir = rescue_fetch_depot_dir(fetch->cache_dir);
	g_autoptr(RescueDepot) depot = rescue_depot_open(dir, NULL);
	g_autoptr(RescueStored) stored = depot != NULL ? rescue_depot_find(depot, release) : NULL;

	return stored != NULL;
}

const RescueFetchPort rescue_fetch_port = {
	.start = start,
	.end = end,
	.is_here = is_here,
};
