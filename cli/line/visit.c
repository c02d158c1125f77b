/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/visit.h"

#include <string.h>

/* sessions */

static void
answer_session(RescueVisit *visit)
{
	RescueJson *json = rescue_json_object_new();

	rescue_json_set_string(json, "role", rescue_role_name(visit->caller.role));
	rescue_json_set_string(json, "name", visit->caller.name);
	rescue_json_set_bool(json, "login", !rescue_auth_is_open(visit->site->auth));
	rescue_http_answer_json(visit->answer, json);
}

static char *
make_cookie(const RescueVisit *visit, const char *value, int age_s)
{
	g_autofree char *name = rescue_visit_cookie_name(visit->site);

	return g_strdup_printf("%s=%s; Path=/; Max-Age=%d; HttpOnly; SameSite=Strict%s", name,
			       value, age_s, visit->request->secure ? "; Secure" : "");
}

static void
answer_login(RescueVisit *visit)
{
	RescueSite *site = visit->site;
	g_autoptr(GError) error = NULL;
	g_autofree char *token = NULL, *session = NULL;

	if (rescue_auth_is_open(site->auth)) {
		answer_session(visit);
		return;
	}
	if (!rescue_body_read(visit->request, "token", &token, &error)) {
		rescue_visit_refuse_error(visit, 400, error);
		return;
	}
	session = rescue_auth_login(site->auth, token, rescue_clock_monotonic_us(site->clock));
	if (session == NULL) {
		rescue_visit_refuse(visit, 401, "this line does not know that token");
		return;
	}
	visit->caller.role = rescue_auth_check_token(site->auth, token, &visit->caller.name);
	answer_session(visit);
	visit->answer->cookie = make_cookie(visit, session, RESCUE_SESSION_S);
}

static void
answer_logout(RescueVisit *visit)
{
	g_autofree char *name = rescue_visit_cookie_name(visit->site);
	g_autofree char *session = rescue_cookie_get(visit->request->cookie, name);

	rescue_auth_logout(visit->site->auth, session);
	visit->caller = (RescueCaller){ 0 };
	answer_session(visit);
	visit->answer->cookie = make_cookie(visit, "", 0);
}

/* what is to be seen */

static void
answer_health(RescueVisit *visit)
{
	visit->answer->status = 200;
	visit->answer->type = "text/plain; charset=utf-8";
	visit->answer->fixed = "ok\n";
	visit->answer->body_size = strlen(visit->answer->fixed);
}

static void
answer_station(RescueVisit *visit)
{
	RescueJson *json = rescue_json_object_new();
	g_autofree char *cursor = NULL;

	rescue_json_merge(json, rescue_site_refresh(visit->site));
	cursor = rescue_events_cursor(visit->site->events);
	rescue_json_set_string(json, "cursor", cursor);
	rescue_http_answer_json(visit->answer, json);
}

static RescueJson *
find_slot(const RescueJson *station, const char *label)
{
	const RescueJson *slots = rescue_json_get(station, "slots");

	for (size_t i = 0; i < rescue_json_length(slots); i++) {
		RescueJson *slot = rescue_json_at(slots, i);
		if (g_strcmp0(rescue_json_get_string(slot, "label"), label) == 0)
			return slot;
	}
	return NULL;
}

static void
answer_slot(RescueVisit *visit)
{
	RescueJson *slot = find_slot(rescue_site_refresh_slots(visit->site), visit->name);

	if (slot != NULL)
		rescue_http_answer_json(visit->answer, rescue_json_ref(slot));
	else
		rescue_visit_refuse(visit, 404, "no port of this station has this label");
}

/* A child reads it, and whoever carries the answer waits for that. */
static void
answer_past(RescueVisit *visit, const RescuePast *past)
{
	visit->answer->status = 200;
	visit->answer->type = past->kind == RESCUE_PAST_REPORT && past->span.csv
				  ? "text/csv; charset=utf-8"
				  : "application/json";
	visit->answer->past = rescue_past_write(past);
}

static void
answer_history(RescueVisit *visit)
{
	g_autoptr(GError) error = NULL;
	RescuePast past = { .kind = RESCUE_PAST_HISTORY };

	if (rescue_query_read_history(visit->query, &past.query, &error))
		answer_past(visit, &past);
	else
		rescue_visit_refuse_error(visit, 400, error);
}

/* It becomes a part of a path: what is none cannot leave the folder of the jobs. */
static bool
is_job_id(const char *text)
{
	return g_ascii_isalnum(text[0]) &&
	       strspn(text, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_") == strlen(text);
}

static void
answer_job(RescueVisit *visit)
{
	const RescuePast past = { .kind = RESCUE_PAST_RECORD, .job = visit->name };

	if (is_job_id(visit->name))
		answer_past(visit, &past);
	else
		rescue_visit_refuse(visit, 404, "no job has such an id");
}

static char *
report_name(const RescueLineSpan *span)
{
	g_autoptr(GDateTime) from = g_date_time_new_from_unix_utc(span->from_us / G_USEC_PER_SEC);
	g_autofree char *day = from != NULL ? g_date_time_format(from, "%Y%m%dT%H%M%SZ")
					    : g_strdup("line");

	return g_strdup_printf("restores-%s.%s", day, span->csv ? "csv" : "json");
}

static void
answer_report(RescueVisit *visit)
{
	g_autoptr(GError) error = NULL;
	RescuePast past = { .kind = RESCUE_PAST_REPORT };

	if (!rescue_query_read_span(visit->query, rescue_clock_wall_us(visit->site->clock),
				    &past.span, &error)) {
		rescue_visit_refuse_error(visit, 400, error);
		return;
	}
	answer_past(visit, &past);
	visit->answer->file_name = report_name(&past.span);
}

static void
answer_metrics(RescueVisit *visit)
{
	RescueSite *site = visit->site;
	RescueMetricsFacts facts = {
		.station = rescue_site_refresh(site),
		.tally = site->view->tally(site->self),
		.latency = &site->latency,
		.use = rescue_process_use(),
		.watchers = rescue_events_count(site->events),
	};

	visit->answer->status = 200;
	visit->answer->type = "text/plain; version=0.0.4; charset=utf-8";
	visit->answer->body = rescue_metrics_format(&facts);
	visit->answer->body_size = strlen(visit->answer->body);
}

static void
answer_events(RescueVisit *visit)
{
	g_autoptr(GError) error = NULL;

	if (!rescue_query_read_events(visit->query, &visit->answer->jobs, &error)) {
		rescue_visit_refuse_error(visit, 400, error);
		return;
	}
	(void)rescue_site_refresh(visit->site);
	visit->answer->status = 200;
	visit->answer->type = "text/event-stream";
	visit->answer->stream = true;
}

/* what may be done */

static char *
describe_caller(const RescueVisit *visit)
{
	if (visit->request->local)
		return g_strdup(visit->caller.name);
	return g_strdup_printf("%s from %s", visit->caller.name,
			       visit->request->peer != NULL ? visit->request->peer : "nowhere");
}

static void
act(RescueVisit *visit, RescueLineActionKind kind)
{
	bool takes_text = kind == RESCUE_LINE_SCAN || kind == RESCUE_LINE_LABEL;
	RescueSite *site = visit->site;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL, *who = describe_caller(visit);
	RescueLineAction action = { .kind = kind, .label = visit->name, .who = who };
	RescueJson *slot;

	if (!rescue_body_read(visit->request, takes_text ? "text" : NULL, &text, &error)) {
		rescue_visit_refuse_error(visit, 400, error);
		return;
	}
	if (visit->name != NULL &&
	    find_slot(rescue_site_refresh_slots(site), visit->name) == NULL) {
		rescue_visit_refuse(visit, 404, "no port of this station has this label");
		return;
	}
	action.text = text;
	if (!site->view->act(site->self, &action, &error)) {
		rescue_visit_refuse_error(visit, 409, error);
		return;
	}
	slot = find_slot(rescue_site_refresh_slots(site),
			 kind == RESCUE_LINE_LABEL ? text : visit->name);
	rescue_http_answer_json(visit->answer,
				slot != NULL ? rescue_json_ref(slot) : rescue_json_object_new());
}

static void
answer_hold(RescueVisit *visit)
{
	act(visit, RESCUE_LINE_HOLD);
}

static void
answer_release(RescueVisit *visit)
{
	act(visit, RESCUE_LINE_RELEASE);
}

static void
answer_retest(RescueVisit *visit)
{
	act(visit, RESCUE_LINE_RETEST);
}

static void
answer_scan(RescueVisit *visit)
{
	act(visit, RESCUE_LINE_SCAN);
}

static void
answer_label(RescueVisit *visit)
{
	act(visit, RESCUE_LINE_LABEL);
}

static void
answer_answer(RescueVisit *visit)
{
	act(visit, RESCUE_LINE_ANSWER);
}

static void
answer_reload(RescueVisit *visit)
{
	act(visit, RESCUE_LINE_RELOAD);
}

static void (*const answers[])(RescueVisit *visit) = {
	[RESCUE_ROUTE_HEALTH] = answer_health,   [RESCUE_ROUTE_METRICS] = answer_metrics,
	[RESCUE_ROUTE_SESSION] = answer_session, [RESCUE_ROUTE_LOGIN] = answer_login,
	[RESCUE_ROUTE_LOGOUT] = answer_logout,   [RESCUE_ROUTE_STATION] = answer_station,
	[RESCUE_ROUTE_SLOT] = answer_slot,       [RESCUE_ROUTE_HISTORY] = answer_history,
	[RESCUE_ROUTE_JOB] = answer_job,         [RESCUE_ROUTE_REPORT] = answer_report,
	[RESCUE_ROUTE_EVENTS] = answer_events,   [RESCUE_ROUTE_HOLD] = answer_hold,
	[RESCUE_ROUTE_RELEASE] = answer_release, [RESCUE_ROUTE_RETEST] = answer_retest,
	[RESCUE_ROUTE_SCAN] = answer_scan,       [RESCUE_ROUTE_LABEL] = answer_label,
	[RESCUE_ROUTE_ANSWER] = answer_answer,   [RESCUE_ROUTE_RELOAD] = answer_reload,
};

void
rescue_visit_answer(RescueVisit *visit, RescueRoute route)
{
	answers[route](visit);
}
