/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "cli/line/site.h"

/* One request while it is answered; within cli/line only. */

/* Whose request it is. */
typedef struct {
	RescueRole role;
	const char *name; /* NULL: nobody */
	bool bearer;      /* proven by the request itself, not by what a browser adds */
} RescueCaller;

typedef struct {
	RescueSite *site;
	const RescueHttpRequest *request;
	RescueCaller caller;
	const char *name; /* what stands for the capitals of the route */
	GHashTable *query;
	RescueHttpAnswer *answer;
} RescueVisit;

/** Answers with a problem and one sentence. */
void rescue_visit_refuse(const RescueVisit *visit, unsigned status, const char *sentence);
/** The same for an error of the daemon; `bad_input`: the status for what the client got wrong. */
void rescue_visit_refuse_error(const RescueVisit *visit, unsigned bad_input, const GError *error);
/** The name of the session's cookie: other servers of this host have other ports. Caller frees. */
char *rescue_visit_cookie_name(const RescueSite *site);
/** What each route does with a visit that may. */
void rescue_visit_answer(RescueVisit *visit, RescueRoute route);
