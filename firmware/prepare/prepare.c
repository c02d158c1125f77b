/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/prepare/prepare.h"

#include <unistd.h>

#include "core/base/error.h"
#include "core/process/process.h"
#include "firmware/fetch/fetch.h"
#include "firmware/fetch/image.h"

#define END_MS 2000u

struct RescuePrepare {
	char *program, *cache_dir, *cache_limit;
	RescueInbox *inbox;
	RescueProcess *child;
	bool ended; /* its last word has been passed on */
	bool only_prove;
	int hold; /* keeps the image from being evicted */
};

RescuePrepare *
rescue_prepare_new(const RescuePrepareSpec *spec)
{
	RescuePrepare *prepare = g_new0(RescuePrepare, 1);

	prepare->program = g_strdup(spec->program);
	prepare->cache_dir = g_strdup(spec->cache_dir);
	prepare->cache_limit = g_strdup(spec->cache_limit);
	prepare->inbox = spec->inbox;
	prepare->hold = -1;
	return prepare;
}

static void
let_go(RescuePrepare *prepare)
{
	if (prepare->hold >= 0)
		(void)close(prepare->hold);
	prepare->hold = -1;
}

void
rescue_prepare_free(RescuePrepare *prepare)
{
	if (prepare == NULL)
		return;
	rescue_process_free(prepare->child);
	let_go(prepare);
	g_free(prepare->program);
	g_free(prepare->cache_dir);
	g_free(prepare->cache_limit);
	g_free(prepare);
}

static void
post(RescuePrepare *prepare, RescueObservation *seen)
{
	prepare->ended |= seen->path != NULL || seen->error != NULL;
	rescue_inbox_post(prepare->inbox, seen);
}

static void
post_error(RescuePrepare *prepare, GError *error)
{
	RescueObservation *seen = rescue_observation_new(RESCUE_OBSERVED_FETCH);

	seen->error = error;
	post(prepare, seen);
}

/* held before the job hears of it, so that it cannot be evicted in between */
static bool
hold(RescuePrepare *prepare, const char *path, GError **error)
{
	g_autofree char *dir = rescue_fetch_depot_dir(prepare->cache_dir);
	g_autoptr(RescueDepot) depot = rescue_depot_open(dir, error);

	let_go(prepare);
	if (depot != NULL)
		prepare->hold = rescue_depot_hold_image(depot, path, error);
	return prepare->hold >= 0;
}

static void
on_line(const char *line, void *data)
{
	RescuePrepare *prepare = data;
	g_autofree char *sha256 = NULL;
	g_autoptr(RescueObservation) seen = rescue_fetch_read_line(line, &sha256);
	GError *error = NULL;

	if (seen == NULL || prepare->ended)
		return;
	if (seen->path != NULL && !prepare->only_prove && !hold(prepare, seen->path, &error))
		post_error(prepare, error);
	else
		post(prepare, g_steal_pointer(&seen));
}

static void
on_exit_seen(int status, int signal, void *data)
{
	RescuePrepare *prepare = data;

	if (!prepare->ended)
		post_error(prepare, g_error_new(RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
						"the unpacking ended without a word (status %d, "
						"signal %d)",
						status, signal));
}

static bool
start(void *self, const char *ipsw, const char *member, bool only_prove, GError **error)
{
	RescuePrepare *prepare = self;
	const char *limit = prepare->cache_limit;
	const char *const argv[] = {
		prepare->program,
		"--cache",
		prepare->cache_dir,
		"--json",
		"firmware",
		"prepare",
		"--worker",
		"--image",
		member,
		"--file",
		ipsw,
		only_prove      ? "--prove"
		: limit != NULL ? "--cache-limit"
				: NULL,
		only_prove ? NULL : limit,
		NULL,
	};
	const RescueProcessSpec spec = {
		.argv = argv,
		.inherit_fd = -1,
		.on_line = on_line,
		.on_exit = on_exit_seen,
		.data = prepare,
	};

	g_clear_pointer(&prepare->child, rescue_process_free);
	prepare->ended = false;
	prepare->only_prove = only_prove;
	prepare->child = rescue_process_start(&spec, error);
	return prepare->child != NULL;
}

static void
end(void *self)
{
	RescuePrepare *prepare = self;

	/* what it would have said is of no use any more */
	prepare->ended = true;
	if (prepare->child != NULL && rescue_process_is_running(prepare->child))
		rescue_process_end(prepare->child, END_MS);
}

const RescuePreparePort rescue_prepare_port = {
	.start = start,
	.end = end,
};
