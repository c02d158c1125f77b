/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/visit.h"

#include <string.h>

#include "core/base/error.h"

void
rescue_site_clear(RescueSite *site)
{
	g_clear_pointer(&site->last, rescue_json_free);
}

static void
tell(RescueSite *site, const RescueJson *now)
{
	g_autoptr(RescueJson) changes = site->last != NULL ? rescue_snapshot_diff(site->last, now)
							   : NULL;

	for (size_t i = 0; i < rescue_json_length(changes); i++) {
		const RescueJson *change = rescue_json_at(changes, i);
		const char *name = rescue_json_get_string(change, "event");
		RescueJson *value = rescue_json_get(change, name);
		g_autofree char *text = rescue_json_dump(value != NULL ? value : change);
		rescue_events_push(site->events, name, text, false);
	}
}

const RescueJson *
rescue_site_refresh(RescueSite *site)
{
	RescueJson *now = site->view->snapshot(site->self, NULL);

	tell(site, now);
	rescue_json_free(site->last);
	site->last = now;
	return now;
}

const RescueJson *
rescue_site_refresh_slots(RescueSite *site)
{
	g_autoptr(RescueJson) now = NULL;

	if (site->last == NULL)
		return rescue_site_refresh(site);
	now = site->view->snapshot(site->self, site->last);
	tell(site, now);
	rescue_json_merge(site->last, now);
	return site->last;
}

/* refusals */

void
rescue_visit_refuse(const RescueVisit *visit, unsigned status, const char *sentence)
{
	rescue_http_refuse(visit->answer, status, sentence);
}

void
rescue_visit_refuse_error(const RescueVisit *visit, unsigned bad_input, const GError *error)
{
	bool input = g_error_matches(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT);
	bool busy = g_error_matches(error, RESCUE_ERROR, RESCUE_ERROR_BUSY);
	unsigned status = input ? bad_input : busy ? 409 : 500;

	rescue_visit_refuse(visit, status,
			    error != NULL ? error->message : "the daemon does not say why");
}

/* Who may be told this, apart from what it is about: names that were pointed here, pages of others. */
static bool
is_from_here(const RescueVisit *visit)
{
	const RescueHttpRequest *request = visit->request;
	const RescueSite *site = visit->site;
	bool others = request->fetch_site != NULL &&
		      strcmp(request->fetch_site, "same-origin") != 0 &&
		      strcmp(request->fetch_site, "none") != 0;

	if (request->local)
		return true;
	if (!rescue_host_is_ours(request->host, site->address, site->port, site->hosts)) {
		rescue_visit_refuse(
		    visit, 421,
		    "this server does not go by that name: use its address, or list the name as "
		    "one of its hosts");
		return false;
	}
	if (others && g_str_has_prefix(request->path, "/api/")) {
		rescue_visit_refuse(visit, 403, "pages of other sites get nothing from here");
		return false;
	}
	return true;
}

static bool
is_meant(const RescueVisit *visit)
{
	const RescueHttpRequest *request = visit->request;

	if (request->local || visit->caller.bearer || strcmp(request->method, "GET") == 0 ||
	    strcmp(request->method, "HEAD") == 0)
		return true;
	if (request->origin != NULL &&
	    !rescue_origin_is_ours(request->origin, request->host, request->secure)) {
		rescue_visit_refuse(visit, 403, "pages of other sites may do nothing here");
		return false;
	}
	if (g_strcmp0(request->mark, "1") != 0) {
		rescue_visit_refuse(
		    visit, 403,
		    "a browser's request needs the header ‘X-Idevicerescue: 1’; programs send a "
		    "token");
		return false;
	}
	return true;
}

char *
rescue_visit_cookie_name(const RescueSite *site)
{
	return g_strdup_printf("idevicerescue-%u", site->port);
}

static RescueCaller
find_caller(const RescueVisit *visit)
{
	const RescueHttpRequest *request = visit->request;
	RescueSite *site = visit->site;
	const char *token = rescue_bearer_get(request->authorization);
	g_autofree char *name = rescue_visit_cookie_name(site);
	g_autofree char *session = rescue_cookie_get(request->cookie, name);
	RescueCaller caller = { .bearer = token != NULL };

	if (request->local)
		return (RescueCaller){ RESCUE_ROLE_OPERATOR, "this user's command line", true };
	if (rescue_auth_is_open(site->auth) || token != NULL)
		caller.role = rescue_auth_check_token(site->auth, token, &caller.name);
	else
		caller.role = rescue_auth_check_session(site->auth, session,
							rescue_clock_monotonic_us(site->clock),
							&caller.name);
	if (rescue_auth_is_open(site->auth))
		caller.bearer = false; /* any page could send some */
	return caller;
}

static bool
is_allowed(const RescueVisit *visit, RescueRole role)
{
	if (visit->caller.role >= role)
		return true;
	if (visit->caller.role == RESCUE_ROLE_NONE)
		rescue_visit_refuse(visit, 401, "log in, or send a token that this line knows");
	else
		rescue_visit_refuse(
		    visit, 403, "this takes the role of an operator, and the token is a viewer's");
	return false;
}

/* pages */

static bool
answer_asset(const RescueVisit *visit)
{
	const RescueHttpRequest *request = visit->request;
	bool reads = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;

	for (size_t i = 0; i < rescue_assets_count; i++) {
		const RescueAsset *asset = &rescue_assets[i];
		if (strcmp(asset->path, request->path) != 0)
			continue;
		if (!reads) {
			rescue_visit_refuse(visit, 405, "this can only be read");
			visit->answer->allow = "GET, HEAD";
			return true;
		}
		visit->answer->status = g_strcmp0(request->tag, asset->tag) == 0 ? 304 : 200;
		visit->answer->type = asset->type;
		visit->answer->fixed = asset->text;
		visit->answer->body_size = asset->size;
		visit->answer->tag = g_strdup(asset->tag);
		return true;
	}
	return false;
}

static void
refuse_route(const RescueVisit *visit, unsigned status)
{
	if (status == 405) {
		rescue_visit_refuse(visit, status, "this path does not take that method");
		visit->answer->allow = rescue_route_methods(visit->request->path);
		return;
	}
	rescue_visit_refuse(visit, status,
			    status == 404
				? "there is nothing at this path; see docs/line-api.md"
				: "the path cannot be decoded: percent-encode it as UTF-8");
}

static bool
is_well_formed(const RescueVisit *visit)
{
	const RescueHttpRequest *request = visit->request;
	bool json = request->type != NULL &&
		    g_ascii_strncasecmp(request->type, "application/json", 16) == 0 &&
		    (request->type[16] == '\0' || request->type[16] == ';');

	if (request->body_size > RESCUE_HTTP_MAX_BODY) {
		rescue_visit_refuse(visit, 413, "the body is longer than 4096 bytes");
		return false;
	}
	if (request->body_size != 0 && !json) {
		rescue_visit_refuse(visit, 415, "the body has to be application/json");
		return false;
	}
	return true;
}

void
rescue_site_answer(RescueSite *site, const RescueHttpRequest *request, RescueHttpAnswer *answer)
{
	RescueVisit visit = { .site = site, .request = request, .answer = answer };
	g_autoptr(GHashTable) query = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *name = NULL;
	RescueRoute route;
	unsigned status;

	visit.caller = find_caller(&visit);
	if (!is_from_here(&visit) || answer_asset(&visit))
		return;
	status = rescue_route_find(request->method, request->path, &route, &name);
	if (status != 0) {
		refuse_route(&visit, status);
		return;
	}
	if (!is_meant(&visit) || !is_allowed(&visit, rescue_route_info(route)->role) ||
	    !is_well_formed(&visit))
		return;
	query = rescue_query_parse(request->query, &error);
	if (query == NULL) {
		rescue_visit_refuse_error(&visit, 400, error);
		return;
	}
	visit.name = name;
	visit.query = query;
	rescue_visit_answer(&visit, route);
}
