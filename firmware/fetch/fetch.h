/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/port/ports.h"
#include "core/process/inbox.h"
#include "firmware/fetch/acquire.h"

/*
 * The port: downloads run in a child, "PROGRAM --json firmware fetch --worker …", that speaks JSON lines. Both sides
 * of
 * that language are here.
 */
typedef struct RescueFetch RescueFetch;

extern const RescueFetchPort rescue_fetch_port; /* self is a RescueFetch */

/** Strings are copied; what is NULL or 0 is not said to the child. */
typedef struct {
	const char *program;    /* the program with the command `firmware fetch`: this very one */
	const char *cache_dir;  /* absolute; its folder "firmware" is the depot */
	const char *mirror;     /* a web server over another depot, asked first */
	const char *limit_rate; /* as the user wrote it: "20MB" */
	const char *cache_limit;
	int64_t patience_ms;
	RescueInbox *inbox; /* borrowed */
} RescueFetchSpec;

RescueFetch *rescue_fetch_new(const RescueFetchSpec *spec);
/** A child that still runs is ended, what was fetched may be evicted from now on. Accepts NULL. */
void rescue_fetch_free(RescueFetch *fetch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueFetch, rescue_fetch_free)
/** Of the downloads that are started from now on; 0: the built-in one. */
void rescue_fetch_set_patience(RescueFetch *fetch, int64_t patience_ms);
/** CACHE/firmware; caller frees. */
char *rescue_fetch_depot_dir(const char *cache_dir);

/** One line of the child: {"event": "progress"|"note", …}; caller owns. */
RescueJson *rescue_fetch_news_to_json(const RescueTransferNews *news);
/** {"event": "done", …}; caller owns. */
RescueJson *rescue_fetch_done_to_json(const RescueStored *stored);
/** {"event": "failed", …}; caller owns. */
RescueJson *rescue_fetch_error_to_json(const GError *error);
/**
 * One line read back, as an observation of kind FETCH, with the digest of a file that is here in `*ret_sha256`
 * (caller
 * frees); NULL for what is no such line. Caller owns.
 */
RescueObservation *rescue_fetch_read_line(const char *line, char **ret_sha256);
