/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/line/auth.h"
#include "cli/line/past.h"
#include "core/base/json.h"

/*
 * A request and its answer, apart from sockets and libraries: what is asked for, and whether it is well-formed. Pure.
 */

/** Longer bodies, paths and texts are refused. */
#define RESCUE_HTTP_MAX_BODY 4096u
#define RESCUE_HTTP_MAX_PATH 1024u
#define RESCUE_HTTP_MAX_TEXT 256u

typedef enum {
#define RESCUE_ROUTE(id, method, path, role, text) RESCUE_ROUTE_##id,
#include "cli/line/http-route.def"
#undef RESCUE_ROUTE
	RESCUE_ROUTE_LAST
} RescueRoute;

typedef struct {
	const char *method, *path;
	RescueRole role; /* that it takes */
	const char *text;
} RescueRouteInfo;

/** One request. All borrowed, NULL where it has none. */
typedef struct {
	bool local;  /* came by this user's socket */
	bool secure; /* came over TLS */
	const char *peer;
	const char *method, *path; /* as sent, percent signs and all, without the query */
	const char *query;         /* the same, behind the question mark */
	const char *host, *origin, *fetch_site, *authorization, *cookie, *type, *mark, *last_id,
	    *tag;
	const char *body;
	size_t body_size;
} RescueHttpRequest;

/** What is answered; begin with zeros, end with rescue_http_answer_clear(). All owned. */
typedef struct {
	unsigned status;
	const char *type; /* static */
	char *body;
	size_t body_size;
	const char *fixed; /* instead of `body`: static */
	char *cookie;      /* Set-Cookie */
	char *tag;         /* ETag */
	const char *allow; /* methods, static */
	char *file_name;   /* to be saved as */
	char *past;        /* the body is what a child reads: rescue_past_write() */
	int file;          /* the body is this file, with a descriptor above 0 */
	unsigned retry_s;  /* Retry-After; 0: none */
	bool stream;       /* goes on with events */
	bool jobs;         /* those of jobs, too */
} RescueHttpAnswer;

void rescue_http_answer_clear(RescueHttpAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueHttpAnswer, rescue_http_answer_clear)
/** Replaces the answer by a problem document (RFC 9457) with one sentence. */
void rescue_http_refuse(RescueHttpAnswer *answer, unsigned status, const char *sentence);
/** What was read takes the place of `past`; takes its file over. */
void rescue_http_answer_past(RescueHttpAnswer *answer, const RescueRead *read);
/** Takes the value over. */
void rescue_http_answer_json(RescueHttpAnswer *answer, RescueJson *value);
/** "Not Found". Static. */
const char *rescue_http_reason(unsigned status);

/** Static. */
const RescueRouteInfo *rescue_route_info(RescueRoute route);
/**
 * 0 and the route, with what stands for the capitals in *ret_name (caller frees; NULL: nothing); 404 for an unknown
 * path, 405 for a method that it does not take, 400 for one that is not decodable.
 */
unsigned rescue_route_find(const char *method, const char *path, RescueRoute *ret_route,
			   char **ret_name);
/** What may be done with a path, for a 405: "GET, POST"; static; NULL: no such path. */
const char *rescue_route_methods(const char *path);

/** The members of a query, decoded; BAD_INPUT for what is said twice or not decodable. Caller owns. */
GHashTable *rescue_query_parse(const char *query, GError **error);
/** BAD_INPUT names the member that is wrong or unknown. Borrows from `members`. */
bool rescue_query_read_history(GHashTable *members, RescueLineQuery *ret_query, GError **error);
/** The same; without `to` now, without `from` a day before that. */
bool rescue_query_read_span(GHashTable *members, int64_t wall_us, RescueLineSpan *ret_span,
			    GError **error);
/** The same: are events of jobs wanted? */
bool rescue_query_read_events(GHashTable *members, bool *ret_jobs, GError **error);
/** The one member that a body may have, or NULL without a body; BAD_INPUT. Caller frees. */
bool rescue_body_read(const RescueHttpRequest *request, const char *member, char **ret_text,
		      GError **error);
