/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cli/line/auth.h"
#include "cli/line/events.h"
#include "cli/line/http-request.h"
#include "cli/line/metrics.h"
#include "cli/line/view.h"
#include "core/base/clock.h"
#include "core/line/snapshot.h"

/*
 * What is answered to whom: pages, API, metrics. Knows neither sockets nor the library that serves them, so that each
 * refusal can be tested and fuzzed.
 */

/** The state of the site; plain, set up by who serves it. Borrowed unless told otherwise. */
typedef struct {
	const RescueLineView *view;
	void *self; /* of the view */
	const RescueClock *clock;
	RescueAuth *auth;
	RescueEvents *events;
	const char *address; /* that the server listens at; NULL: only the socket */
	unsigned port;
	const char *const *hosts; /* other names it has; NULL */
	RescueLatency latency;
	RescueJson *last; /* what watchers know; owned, see rescue_site_clear() */
} RescueSite;

/** Drops what the site owns. */
void rescue_site_clear(RescueSite *site);
/** One request; `answer` begins with zeros. */
void rescue_site_answer(RescueSite *site, const RescueHttpRequest *request,
			RescueHttpAnswer *answer);
/** Tells watchers what changed since they were told the last time; the station as it is now, borrowed. */
const RescueJson *rescue_site_refresh(RescueSite *site);
/** The same, with the figures of the last time: costs a tenth. */
const RescueJson *rescue_site_refresh_slots(RescueSite *site);

/** A file of the dashboard, embedded. */
typedef struct {
	const char *path; /* "/app.js" */
	const char *type;
	const char *tag; /* ETag with its quotes */
	const char *text;
	size_t size;
} RescueAsset;

/** Made by embed-web.cmake. */
extern const RescueAsset rescue_assets[];
extern const size_t rescue_assets_count;
