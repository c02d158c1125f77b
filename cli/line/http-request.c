/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/http-request.h"

#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/parse.h"
#include "core/model/ecid.h"

#define MAX_MEMBERS   16u
#define MAX_LIMIT     500u
#define DEFAULT_LIMIT 50u
#define DAY_US        (INT64_C(86400) * G_USEC_PER_SEC)

static const RescueRouteInfo routes[] = {
#define RESCUE_ROUTE(id, method, path, role, text) \
	[RESCUE_ROUTE_##id] = { method, path, RESCUE_ROLE_##role, text },
#include "cli/line/http-route.def"
#undef RESCUE_ROUTE
};

const RescueRouteInfo *
rescue_route_info(RescueRoute route)
{
	return &routes[route];
}

/* answers */

void
rescue_http_answer_clear(RescueHttpAnswer *answer)
{
	g_free(answer->body);
	g_free(answer->cookie);
	g_free(answer->tag);
	g_free(answer->file_name);
	g_free(answer->past);
	if (answer->file > 0)
		(void)close(answer->file);
	*answer = (RescueHttpAnswer){ 0 };
}

const char *
rescue_http_reason(unsigned status)
{
	static const struct {
		unsigned status;
		const char *text;
	} reasons[] = {
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 421, "Misdirected Request" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(reasons); i++) {
		if (reasons[i].status == status)
			return reasons[i].text;
	}
	return "Internal Server Error";
}

static void
set_json(RescueHttpAnswer *answer, const RescueJson *value)
{
	g_free(answer->body);
	answer->body = rescue_json_dump(value);
	answer->body_size = strlen(answer->body);
}

void
rescue_http_answer_json(RescueHttpAnswer *answer, RescueJson *value)
{
	answer->status = 200;
	answer->type = "application/json";
	set_json(answer, value);
	rescue_json_free(value);
}

void
rescue_http_refuse(RescueHttpAnswer *answer, unsigned status, const char *sentence)
{
	g_autoptr(RescueJson) problem = rescue_json_object_new();

	rescue_http_answer_clear(answer);
	rescue_json_set_string(problem, "type", "about:blank");
	rescue_json_set_string(problem, "title", rescue_http_reason(status));
	rescue_json_set_int(problem, "status", status);
	rescue_json_set_string(problem, "detail", sentence);
	answer->status = status;
	answer->type = "application/problem+json";
	set_json(answer, problem);
}

void
rescue_http_answer_past(RescueHttpAnswer *answer, const RescueRead *read)
{
	static const unsigned statuses[] = {
		[RESCUE_PAST_READ] = 200,    [RESCUE_PAST_FAILED] = 503,
		[RESCUE_PAST_REFUSED] = 400, [RESCUE_PAST_MISSING] = 404,
		[RESCUE_PAST_LATE] = 504,    [RESCUE_PAST_ENDED] = 503,
	};

	if (read->end != RESCUE_PAST_READ) {
		rescue_http_refuse(answer, statuses[read->end], read->sentence);
		return;
	}
	g_clear_pointer(&answer->past, g_free);
	answer->file = read->fd;
	answer->body_size = read->size;
}

/* paths */

static bool
is_variable(const char *word)
{
	return g_ascii_isupper(word[0]);
}

/* The segments of both; `ret_segment`: what stands for the capitals, as sent. */
static bool
fits(const char *pattern, const char *path, char **ret_segment)
{
	g_auto(GStrv) want = g_strsplit(pattern, "/", -1);
	g_auto(GStrv) have = g_strsplit(path, "/", -1);
	const char *segment = NULL;

	if (g_strv_length(want) != g_strv_length(have))
		return false;
	for (unsigned i = 0; want[i] != NULL; i++) {
		if (is_variable(want[i]) && have[i][0] != '\0')
			segment = have[i];
		else if (strcmp(want[i], have[i]) != 0)
			return false;
	}
	*ret_segment = g_strdup(segment);
	return true;
}

static bool
is_method(const char *method, const char *wanted)
{
	return strcmp(method, wanted) == 0 ||
	       (strcmp(method, "HEAD") == 0 && strcmp(wanted, "GET") == 0);
}

/* NULL when it is not decodable, or not text. */
static char *
decode(const char *text, const char *forbidden)
{
	g_autofree char *plain = g_uri_unescape_string(text, forbidden);

	if (plain == NULL || !g_utf8_validate(plain, -1, NULL) ||
	    strlen(plain) > RESCUE_HTTP_MAX_TEXT)
		return NULL;
	return g_steal_pointer(&plain);
}

unsigned
rescue_route_find(const char *method, const char *path, RescueRoute *ret_route, char **ret_name)
{
	bool known = false;

	if (strnlen(path, RESCUE_HTTP_MAX_PATH + 1) > RESCUE_HTTP_MAX_PATH)
		return 404;
	for (RescueRoute i = 0; i < RESCUE_ROUTE_LAST; i++) {
		g_autofree char *segment = NULL;
		g_autofree char *name = NULL;
		if (!fits(routes[i].path, path, &segment))
			continue;
		known = true;
		if (!is_method(method, routes[i].method))
			continue;
		name = segment != NULL ? decode(segment, "/") : NULL;
		if (segment != NULL && name == NULL)
			return 400;
		*ret_route = i;
		*ret_name = g_steal_pointer(&name);
		return 0;
	}
	return known ? 405 : 404;
}

const char *
rescue_route_methods(const char *path)
{
	static const struct {
		const char *const methods[3];
		const char *text;
	} sets[] = {
		{ { "GET", "POST", "DELETE" }, "GET, HEAD, POST, DELETE" },
		{ { "GET", "GET", "GET" }, "GET, HEAD" },
		{ { "POST", "POST", "POST" }, "POST" },
	};
	RescueRoute route;

	for (size_t i = 0; i < G_N_ELEMENTS(sets); i++) {
		size_t n = 0;
		for (size_t m = 0; m < G_N_ELEMENTS(sets[i].methods); m++) {
			g_autofree char *name = NULL;
			n += rescue_route_find(sets[i].methods[m], path, &route, &name) == 0;
		}
		if (n == G_N_ELEMENTS(sets[i].methods))
			return sets[i].text;
	}
	return NULL;
}

/* queries */

static bool
refuse(GError **error, const char *member, const char *what)
{
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT, "‘%s’ %s", member, what);
	return false;
}

static bool
add_member(GHashTable *members, const char *pair, GError **error)
{
	const char *equals = strchr(pair, '=');
	g_autofree char *raw = equals != NULL ? g_strndup(pair, (size_t)(equals - pair))
					      : g_strdup(pair);
	g_autofree char *value = g_strdelimit(g_strdup(equals != NULL ? equals + 1 : ""), "+", ' ');
	g_autofree char *name = decode(raw, NULL);
	g_autofree char *text = decode(value, NULL);

	if (name == NULL || text == NULL)
		return refuse(error, "query", "cannot be decoded: percent-encode it as UTF-8");
	if (g_hash_table_contains(members, name))
		return refuse(error, name, "is said twice");
	g_hash_table_insert(members, g_steal_pointer(&name), g_steal_pointer(&text));
	return true;
}

GHashTable *
rescue_query_parse(const char *query, GError **error)
{
	g_autoptr(GHashTable)
	    members = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_auto(GStrv) pairs = query != NULL ? g_strsplit(query, "&", MAX_MEMBERS + 1) : NULL;

	if (pairs != NULL && g_strv_length(pairs) > MAX_MEMBERS) {
		(void)refuse(error, "query", "has too many members");
		return NULL;
	}
	for (unsigned i = 0; pairs != NULL && pairs[i] != NULL; i++) {
		if (pairs[i][0] != '\0' && !add_member(members, pairs[i], error))
			return NULL;
	}
	return g_steal_pointer(&members);
}

static bool
has_only(GHashTable *members, const char *const *known, GError **error)
{
	GHashTableIter iter;
	void *name;

	g_hash_table_iter_init(&iter, members);
	while (g_hash_table_iter_next(&iter, &name, NULL)) {
		if (!g_strv_contains(known, name))
			return refuse(error, name, "is nothing that this can be asked");
	}
	return true;
}

bool
rescue_query_read_history(GHashTable *members, RescueLineQuery *ret_query, GError **error)
{
	static const char *const known[] = { "ecid", "before", "limit", NULL };
	RescueLineQuery query = {
		.ecid = g_hash_table_lookup(members, "ecid"),
		.before = g_hash_table_lookup(members, "before"),
		.limit = DEFAULT_LIMIT,
	};
	const char *limit = g_hash_table_lookup(members, "limit");
	uint64_t number;
	RescueEcid ecid;

	if (!has_only(members, known, error))
		return false;
	if (query.ecid != NULL && !rescue_ecid_parse(query.ecid, &ecid, error))
		return false;
	if (limit != NULL) {
		if (!rescue_parse_uint(limit, 1, MAX_LIMIT, &number, error))
			return false;
		query.limit = (unsigned)number;
	}
	*ret_query = query;
	return true;
}

/* "2026-11-22T06:00:00Z", or a day, which begins at midnight UTC. */
static bool
read_time(GHashTable *members, const char *name, int64_t *time_us, GError **error)
{
	const char *text = g_hash_table_lookup(members, name);
	g_autofree char *whole = NULL;
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GDateTime) time = NULL;

	if (text == NULL)
		return true;
	whole = strchr(text, 'T') != NULL ? g_strdup(text) : g_strconcat(text, "T00:00:00Z", NULL);
	time = g_date_time_new_from_iso8601(whole, utc);
	if (time == NULL)
		return refuse(error, name, "is no time: write 2026-11-22T06:00:00Z or 2026-11-22");
	*time_us = g_date_time_to_unix(time) * G_USEC_PER_SEC;
	return true;
}

bool
rescue_query_read_span(GHashTable *members, int64_t wall_us, RescueLineSpan *ret_span,
		       GError **error)
{
	static const char *const known[] = { "from", "to", "format", NULL };
	const char *format = g_hash_table_lookup(members, "format");
	RescueLineSpan span = { .to_us = wall_us };

	if (!has_only(members, known, error) || !read_time(members, "to", &span.to_us, error))
		return false;
	span.from_us = span.to_us - DAY_US;
	if (!read_time(members, "from", &span.from_us, error))
		return false;
	if (span.from_us >= span.to_us)
		return refuse(error, "from", "is not before ‘to’");
	span.csv = g_strcmp0(format, "csv") == 0;
	if (format != NULL && !span.csv && strcmp(format, "json") != 0)
		return refuse(error, "format", "is neither csv nor json");
	*ret_span = span;
	return true;
}

bool
rescue_query_read_events(GHashTable *members, bool *ret_jobs, GError **error)
{
	static const char *const known[] = { "jobs", NULL };
	const char *jobs = g_hash_table_lookup(members, "jobs");

	if (!has_only(members, known, error))
		return false;
	if (jobs != NULL && strcmp(jobs, "1") != 0 && strcmp(jobs, "0") != 0)
		return refuse(error, "jobs", "is neither 0 nor 1");
	*ret_jobs = g_strcmp0(jobs, "1") == 0;
	return true;
}

/* bodies */

/* The body without its one member has to be an empty object. */
static bool
is_empty_object(const RescueJson *json)
{
	g_autofree char *text = rescue_json_dump(json);

	return strcmp(text, "{}") == 0;
}

static bool
refuse_body(GError **error, const char *member)
{
	if (member == NULL)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "this takes no body, or {}");
	else
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "the body has to be {\"%s\": \"…\"}, of at most %u bytes", member,
			    RESCUE_HTTP_MAX_TEXT);
	return false;
}

bool
rescue_body_read(const RescueHttpRequest *request, const char *member, char **ret_text,
		 GError **error)
{
	g_autoptr(RescueJson) json = NULL, rest = NULL;
	const char *text;

	if (request->body_size == 0) {
		*ret_text = NULL;
		return member == NULL || refuse_body(error, member);
	}
	json = rescue_json_parse(request->body, request->body_size, error);
	if (json == NULL)
		return false;
	if (member == NULL) {
		*ret_text = NULL;
		return is_empty_object(json) || refuse_body(error, NULL);
	}
	text = rescue_json_get_string(json, member);
	rest = rescue_json_object_new();
	rescue_json_set_string(rest, member, text);
	if (text == NULL || strlen(text) > RESCUE_HTTP_MAX_TEXT || !rescue_json_equal(rest, json))
		return refuse_body(error, member);
	*ret_text = g_strdup(text);
	return true;
}
