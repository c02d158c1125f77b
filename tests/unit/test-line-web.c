/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/line/site.h"
#include "core/base/error.h"
#include "core/base/path.h"
#include "tests/line/fake-line.h"

#define VIEWER   "viewer-token-viewer-token-viewer-token"
#define OPERATOR "operator-token-operator-token-operator"

typedef struct {
	FakeLine *line;
	RescueSite site;
	RescueHttpAnswer answer;
} Site;

static void
site_clear(Site *s)
{
	rescue_http_answer_clear(&s->answer);
	rescue_site_clear(&s->site);
	rescue_auth_free(s->site.auth);
	rescue_events_free(s->site.events);
	fake_line_free(s->line);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Site, site_clear)

static Site
site_new(bool tokens)
{
	static const char *const hosts[] = { "bench.example", NULL };
	Site s = { .line = fake_line_new(1, 3) };

	s.site = (RescueSite){
		.view = &fake_line_view,
		.self = s.line,
		.clock = rescue_clock_system(),
		.auth = rescue_auth_new(NULL, NULL),
		.events = rescue_events_new("e", 16),
		.address = "127.0.0.1",
		.port = 8470,
		.hosts = hosts,
	};
	if (tokens) {
		g_autofree char *viewer = g_compute_checksum_for_string(G_CHECKSUM_SHA256, VIEWER,
									-1);
		g_autofree char *operator= g_compute_checksum_for_string(G_CHECKSUM_SHA256,
									 OPERATOR, -1);
		g_autofree char *text =
		    g_strdup_printf("# who\n\nviewer wall sha256:%s\n operator\tanna  sha256:%s\n",
				    viewer, operator);
		g_assert_true(rescue_auth_parse(s.site.auth, text, NULL));
	}
	return s;
}

/* as a browser at the station asks for it */
static RescueHttpRequest
request_for(const char *method, const char *path)
{
	return (RescueHttpRequest){
		.peer = "192.0.2.7",
		.method = method,
		.path = path,
		.host = "127.0.0.1:8470",
		.mark = strcmp(method, "GET") == 0 ? NULL : "1",
	};
}

static void
set_body(RescueHttpRequest *request, const char *body)
{
	request->body = body;
	request->body_size = strlen(body);
	request->type = "application/json";
}

static void
ask(Site *s, const RescueHttpRequest *request, unsigned status)
{
	rescue_http_answer_clear(&s->answer);
	rescue_site_answer(&s->site, request, &s->answer);
	if (s->answer.status != status)
		g_test_message("%s", s->answer.body != NULL ? s->answer.body : "");
	g_assert_cmpuint(s->answer.status, ==, status);
	if (status < 400)
		return;
	g_assert_cmpstr(s->answer.type, ==, "application/problem+json");
	g_assert_nonnull(strstr(s->answer.body, "\"detail\":\""));
}

static void
get(Site *s, const char *path, unsigned status)
{
	g_auto(GStrv) parts = g_strsplit(path, "?", 2);
	RescueHttpRequest request = request_for("GET", parts[0]);

	request.query = parts[1];
	ask(s, &request, status);
}

static void
test_a_name_that_was_pointed_here_gets_nothing(void)
{
	static const char *const ours[] = { "127.0.0.1:8470", "LOCALHOST:8470", "[::1]:8470",
					    "bench.example:8470" };
	static const char *const foreign[] = { "evil.example:8470", "127.0.0.1:80", "127.0.0.1", "",
					       "localhost:8470.evil.example" };
	g_auto(Site) s = site_new(false);
	RescueHttpRequest request = request_for("GET", "/api/v1/station");

	for (size_t i = 0; i < G_N_ELEMENTS(ours); i++) {
		request.host = ours[i];
		ask(&s, &request, 200);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(foreign); i++) {
		request.host = foreign[i];
		ask(&s, &request, 421);
	}
	request.host = NULL;
	ask(&s, &request, 421);
	request.path = "/";
	ask(&s, &request, 421);
	request.local = true;
	ask(&s, &request, 200);
}

static void
test_at_all_addresses_any_address_is_its_name(void)
{
	static const char *const ours[] = { "192.0.2.7:8470", "[2001:db8::1]:8470",
					    "bench.example:8470", "0.0.0.0:8470" };
	static const char *const foreign[] = {
		"evil.example:8470", "192.0.2.7", "192.0.2.7:80", "2001:db8::1:8470", "[evil]:8470",
		"[]:8470",           ""
	};
	static const char *const hosts[] = { "bench.example", NULL };

	for (size_t i = 0; i < G_N_ELEMENTS(ours); i++)
		g_assert_true(rescue_host_is_ours(ours[i], "0.0.0.0", 8470, hosts));
	for (size_t i = 0; i < G_N_ELEMENTS(foreign); i++)
		g_assert_false(rescue_host_is_ours(foreign[i], "::", 8470, hosts));
	g_assert_true(rescue_host_is_ours("192.0.2.7", "0.0.0.0", 443, NULL));
	g_assert_false(rescue_host_is_ours("192.0.2.8:8470", "192.0.2.7", 8470, hosts));
}

static void
test_pages_of_other_sites_get_and_do_nothing(void)
{
	g_auto(Site) s = site_new(false);
	RescueHttpRequest request = request_for("GET", "/api/v1/station");
	RescueHttpRequest hold = request_for("POST", "/api/v1/slots/A1/hold");

	request.fetch_site = "same-origin";
	ask(&s, &request, 200);
	request.fetch_site = "cross-site";
	ask(&s, &request, 403);
	request.fetch_site = "same-site";
	ask(&s, &request, 403);
	hold.origin = "https://127.0.0.1:8470"; /* another scheme is another origin */
	ask(&s, &hold, 403);
	hold.origin = "null";
	ask(&s, &hold, 403);
	hold.origin = "http://127.0.0.1:8470";
	hold.mark = NULL;
	ask(&s, &hold, 403);
	hold.authorization = "Bearer whatever"; /* proves nothing where no token is needed */
	ask(&s, &hold, 403);
	g_assert_cmpstr(fake_line_last_act(s.line), ==, "");
	hold.mark = "1";
	ask(&s, &hold, 200);
	g_assert_cmpstr(fake_line_last_act(s.line), ==,
			"hold A1 - whoever is at this computer from 192.0.2.7");
}

static void
test_roles(void)
{
	g_auto(Site) s = site_new(true);
	RescueHttpRequest see = request_for("GET", "/api/v1/station");
	RescueHttpRequest hold = request_for("POST", "/api/v1/slots/A1/hold");

	ask(&s, &see, 401);
	see.authorization = "Bearer nonsense";
	ask(&s, &see, 401);
	see.authorization = "Basic " VIEWER;
	ask(&s, &see, 401);
	see.authorization = "bearer " VIEWER;
	ask(&s, &see, 200);
	hold.authorization = "Bearer " VIEWER;
	ask(&s, &hold, 403);
	hold.mark = NULL;
	hold.authorization = "Bearer " OPERATOR;
	ask(&s, &hold, 200);
	g_assert_cmpstr(fake_line_last_act(s.line), ==, "hold A1 - anna from 192.0.2.7");
	hold.authorization = NULL;
	hold.local = true;
	ask(&s, &hold, 200);
	g_assert_cmpstr(fake_line_last_act(s.line), ==, "hold A1 - this user's command line");
	get(&s, "/healthz", 200);
	get(&s, "/", 200);
	get(&s, "/api/v1/session", 200);
	g_assert_cmpstr(s.answer.body, ==, "{\"role\":\"none\",\"login\":true}");
}

static void
test_a_browser_logs_in_and_out(void)
{
	g_auto(Site) s = site_new(true);
	RescueHttpRequest login = request_for("POST", "/api/v1/session");
	RescueHttpRequest out = request_for("DELETE", "/api/v1/session");
	RescueHttpRequest see = request_for("GET", "/api/v1/station");
	g_autofree char *session = NULL, *cookie = NULL;

	set_body(&login, "{\"token\":\"nonsense\"}");
	ask(&s, &login, 401);
	set_body(&login, "{\"token\":\"" OPERATOR "\"}");
	login.mark = NULL;
	ask(&s, &login, 403);
	login.mark = "1";
	login.secure = true;
	ask(&s, &login, 200);
	g_assert_cmpstr(s.answer.body, ==,
			"{\"role\":\"operator\",\"name\":\"anna\",\"login\":true}");
	g_assert_nonnull(strstr(s.answer.cookie, "; HttpOnly; SameSite=Strict; Secure"));
	session = rescue_cookie_get(s.answer.cookie, "idevicerescue-8470");
	g_assert_cmpuint(strlen(session), ==, 64);
	cookie = g_strconcat("a=b; idevicerescue-8470=", session, NULL);
	see.cookie = "idevicerescue-8470=0000";
	ask(&s, &see, 401);
	see.cookie = cookie;
	ask(&s, &see, 200);
	out.cookie = cookie;
	ask(&s, &out, 200);
	g_assert_nonnull(strstr(s.answer.cookie, "Max-Age=0"));
	ask(&s, &see, 401);
}

static void
test_a_session_ends(void)
{
	g_auto(Site) s = site_new(true);
	const char *name;
	g_autofree char *session = rescue_auth_login(s.site.auth, VIEWER, 1);
	int64_t end_us = 1 + (int64_t)RESCUE_SESSION_S * G_USEC_PER_SEC;

	g_assert_cmpint(rescue_auth_check_session(s.site.auth, session, end_us - 1, &name), ==,
			RESCUE_ROLE_VIEWER);
	g_assert_cmpstr(name, ==, "wall");
	g_assert_cmpint(rescue_auth_check_session(s.site.auth, session, end_us, &name), ==,
			RESCUE_ROLE_NONE);
	for (unsigned i = 0; i < 255; i++) {
		g_autofree char *other = rescue_auth_login(s.site.auth, VIEWER, 2);
		g_assert_nonnull(other);
	}
	g_assert_null(rescue_auth_login(s.site.auth, VIEWER, 2));
	g_free(session);
	session = rescue_auth_login(s.site.auth, VIEWER, end_us + G_USEC_PER_SEC);
	g_assert_nonnull(session);
}

static void
test_what_is_not_well_formed_is_refused(void)
{
	static const struct {
		const char *path;
		unsigned status;
	} rows[] = {
		{ "/api/v1/nothing", 404 },
		{ "/api/v1/slots/Z9", 404 },
		{ "/api/v1/slots/", 404 },
		{ "/api/v1/slots/A%201", 404 },
		{ "/api/v1/slots/A%2F1", 400 },
		{ "/api/v1/slots/%ff", 400 },
		{ "/api/v1/slots/%00", 400 },
		{ "/api/v1/slots/%zz", 400 },
		{ "/api/v1/jobs/..", 404 },
		{ "/../etc/passwd", 404 },
		{ "/api/v1/history?limit=0", 400 },
		{ "/api/v1/history?limit=501", 400 },
		{ "/api/v1/history?limit=1&limit=2", 400 },
		{ "/api/v1/history?ecid=me", 400 },
		{ "/api/v1/history?colour=red", 400 },
		{ "/api/v1/history?ecid=%f", 400 },
		{ "/api/v1/history?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q", 400 },
		{ "/api/v1/report?from=yesterday", 400 },
		{ "/api/v1/report?from=2026-11-23&to=2026-11-22", 400 },
		{ "/api/v1/report?format=xls", 400 },
		{ "/api/v1/events?jobs=all", 400 },
		{ "/api/v1/history?ecid=0x1&limit=2", 200 },
		{ "/api/v1/report?from=2026-11-22&to=2026-11-22T06:00:00%2B01:00", 200 },
		{ "/api/v1/slots/A%31", 200 },
		{ "/api/v1/jobs/20261122T100000-0000", 200 },
		{ "/api/v1/jobs/x", 200 }, /* whether there is one, the child says */
		{ "/api/v1/jobs/.x", 404 },
	};
	g_auto(Site) s = site_new(false);
	g_autofree char *longest = g_strnfill(RESCUE_HTTP_MAX_PATH + 1, '/');

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_test_message("%s", rows[i].path);
		get(&s, rows[i].path, rows[i].status);
	}
	get(&s, longest, 404);
}

static void
test_a_method_that_a_path_does_not_take_is_told_which_it_takes(void)
{
	g_auto(Site) s = site_new(false);
	RescueHttpRequest put = request_for("PUT", "/api/v1/session");
	RescueHttpRequest post = request_for("POST", "/");
	RescueHttpRequest head = request_for("HEAD", "/api/v1/station");

	ask(&s, &put, 405);
	g_assert_cmpstr(s.answer.allow, ==, "GET, HEAD, POST, DELETE");
	put.path = "/api/v1/slots/A1/hold";
	ask(&s, &put, 405);
	g_assert_cmpstr(s.answer.allow, ==, "POST");
	put.path = "/metrics";
	ask(&s, &put, 405);
	g_assert_cmpstr(s.answer.allow, ==, "GET, HEAD");
	ask(&s, &post, 405);
	head.mark = NULL;
	ask(&s, &head, 200);
}

static void
test_bodies(void)
{
	static const char *const wrong[] = { "",
					     "{}",
					     "[]",
					     "{\"text\":1}",
					     "{\"text\":",
					     "{\"text\":\"a\",\"x\":1}",
					     "{\"text\":\"a\",\"text\":\"b\"}" };
	g_auto(Site) s = site_new(false);
	g_autofree char *too_long = g_strnfill(RESCUE_HTTP_MAX_BODY + 1, ' ');
	RescueHttpRequest scan = request_for("POST", "/api/v1/slots/A1/scan");
	RescueHttpRequest hold = request_for("POST", "/api/v1/slots/A1/hold");

	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		set_body(&scan, wrong[i]);
		ask(&s, &scan, 400);
	}
	set_body(&scan, too_long);
	ask(&s, &scan, 413);
	set_body(&scan, "{\"text\":\"4711\"}");
	scan.type = "text/plain";
	ask(&s, &scan, 415);
	scan.type = "application/json-seq";
	ask(&s, &scan, 415);
	scan.type = "Application/JSON; charset=utf-8";
	ask(&s, &scan, 200);
	g_assert_nonnull(strstr(fake_line_last_act(s.line), "scan A1 4711 "));
	set_body(&hold, "{\"text\":\"4711\"}");
	ask(&s, &hold, 400);
	set_body(&hold, "{}");
	ask(&s, &hold, 200);
	g_assert_nonnull(strstr(s.answer.body, "\"state\":\"parked\""));
}

static void
test_what_cannot_be_done_now_says_what_to_do_instead(void)
{
	g_auto(Site) s = site_new(false);
	RescueHttpRequest request = request_for("POST", "/api/v1/slots/A1/release");

	ask(&s, &request, 409);
	g_assert_nonnull(strstr(s.answer.body, "A1: nothing is held there"));
	request.path = "/api/v1/slots/A1/label";
	set_body(&request, "{\"text\":\"B7\"}");
	ask(&s, &request, 409);
	request.path = "/api/v1/slots/Q1/hold";
	request.body_size = 0;
	ask(&s, &request, 404);
}

static void
test_pages_are_asked_for_again_only_when_they_changed(void)
{
	g_auto(Site) s = site_new(false);
	RescueHttpRequest request = request_for("GET", "/");
	g_autofree char *tag = NULL;

	ask(&s, &request, 200);
	g_assert_cmpstr(s.answer.type, ==, "text/html; charset=utf-8");
	tag = g_strdup(s.answer.tag);
	request.tag = tag;
	ask(&s, &request, 304);
	request.tag = "\"other\"";
	ask(&s, &request, 200);
}

static void
test_reports_are_saved_under_a_name(void)
{
	g_auto(Site) s = site_new(false);

	get(&s, "/api/v1/report?format=csv&from=2026-11-21&to=2026-11-22", 200);
	g_assert_cmpstr(s.answer.file_name, ==, "restores-20261121T000000Z.csv");
	g_assert_cmpstr(s.answer.type, ==, "text/csv; charset=utf-8");
	g_assert_cmpstr(s.answer.past, ==,
			"{\"read\":\"report\",\"from_us\":1795219200000000,\"to_us\":"
			"1795305600000000,\"csv\":true}");
}

static void
test_what_is_past_is_left_to_a_child(void)
{
	static const struct {
		const char *path, *past;
	} rows[] = {
		{ "/api/v1/history?ecid=0x1&limit=2&before=-x%22",
		  "{\"read\":\"history\",\"ecid\":\"0x1\",\"before\":\"-x\\\"\",\"limit\":2}" },
		{ "/api/v1/history", "{\"read\":\"history\",\"limit\":50}" },
		{ "/api/v1/jobs/2026-1", "{\"read\":\"record\",\"job\":\"2026-1\"}" },
	};
	g_auto(Site) s = site_new(false);

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		get(&s, rows[i].path, 200);
		g_assert_cmpstr(s.answer.past, ==, rows[i].past);
		g_assert_null(s.answer.body);
	}
	get(&s, "/api/v1/jobs/..%2e", 404);
	g_assert_null(s.answer.past);
}

static void
test_metrics_are_what_prometheus_reads(void)
{
	g_auto(Site) s = site_new(false);
	g_auto(GStrv) lines = NULL;
	g_autofree char *page = g_build_filename(g_getenv("RESCUE_SOURCE_DIR"), "docs",
						 "line-api.md", NULL);
	g_autofree char *text = NULL;
	g_autoptr(GRegex) sample =
	    g_regex_new("^idevicerescue_line_[a-z_]+(\\{([a-z]+=\"[^\"]*\",?)+\\})? [0-9.e+-]+$", 0,
			0, NULL);

	g_assert_true(g_file_get_contents(page, &text, NULL, NULL));
	fake_line_crowd(s.line);
	get(&s, "/metrics", 200);
	lines = g_strsplit(s.answer.body, "\n", -1);
	for (unsigned i = 0; lines[i + 1] != NULL; i++) {
		g_auto(GStrv) words = g_strsplit(lines[i], " ", 4);
		g_autofree char *name =
		    g_strdup_printf("`%s`", words[2] != NULL
						? words[2] + strlen("idevicerescue_line_")
						: "-");
		if (strcmp(words[0], "#") != 0)
			g_assert_true(g_regex_match(sample, lines[i], 0, NULL));
		else if (strcmp(words[1], "TYPE") == 0)
			g_assert_nonnull(strstr(text, name));
	}
	g_assert_nonnull(strstr(s.answer.body, "slots{state=\"running\"} "));
}

static void
test_the_page_of_the_api_has_all_routes_and_no_other(void)
{
	g_autofree char *page = g_build_filename(g_getenv("RESCUE_SOURCE_DIR"), "docs",
						 "line-api.md", NULL);
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	unsigned rows = 0;

	g_assert_true(g_file_get_contents(page, &text, NULL, NULL));
	lines = g_strsplit(text, "\n", -1);
	for (RescueRoute i = 0; i < RESCUE_ROUTE_LAST; i++) {
		const RescueRouteInfo *info = rescue_route_info(i);
		g_auto(GStrv) halves = g_strsplit(info->text, "|", -1);
		g_autofree char *what = g_strjoinv("\\|", halves);
		g_autofree char *row = g_strdup_printf("| %s | `%s` | %s | %s |", info->method,
						       info->path, rescue_role_name(info->role),
						       what);
		g_test_message("%s", row);
		g_assert_true(g_strv_contains((const char *const *)lines, row));
	}
	for (unsigned i = 0; lines[i] != NULL; i++)
		rows += g_str_has_prefix(lines[i], "| GET |") ||
			g_str_has_prefix(lines[i], "| POST |") ||
			g_str_has_prefix(lines[i], "| DELETE |");
	g_assert_cmpuint(rows, ==, RESCUE_ROUTE_LAST);
}

/* tokens files */

static void
test_a_tokens_file_that_others_may_read_is_refused(void)
{
	g_autofree char *dir = g_dir_make_tmp("line-web-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "tokens", NULL);
	g_autofree char *line = NULL;
	g_autofree char *token = rescue_auth_make_token(RESCUE_ROLE_VIEWER, "wall", &line, NULL);
	g_autoptr(GError) missing = NULL, open = NULL, error = NULL;
	g_autoptr(RescueAuth) auth = NULL;
	const char *name;

	g_assert_null(rescue_auth_new(path, &missing));
	g_assert_error(missing, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT);
	g_assert_true(rescue_path_write(path, line, strlen(line), 0644, NULL));
	g_assert_null(rescue_auth_new(path, &open));
	g_assert_error(open, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT);
	g_assert_cmpint(g_chmod(path, 0600), ==, 0);
	auth = rescue_auth_new(path, &error);
	g_assert_no_error(error);
	g_assert_cmpint(rescue_auth_check_token(auth, token, &name), ==, RESCUE_ROLE_VIEWER);
	g_assert_cmpint(rescue_auth_check_token(auth, line, &name), ==, RESCUE_ROLE_NONE);
	g_assert_null(strstr(line, token));
	(void)g_remove(path);
	(void)g_rmdir(dir);
}

static void
test_a_token_has_a_name_of_one_word(void)
{
	static const char *const wrong[] = { "", "#anna", "anna b", "anna\n", "\033[31m", "\xff" };

	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autofree char *line = NULL;
		g_autoptr(GError) error = NULL;
		g_assert_null(
		    rescue_auth_make_token(RESCUE_ROLE_OPERATOR, wrong[i], &line, &error));
		g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT);
		g_assert_null(strpbrk(error->message, "\033\n"));
	}
}

static void
test_roles_are_read_back(void)
{
	g_assert_cmpint(rescue_role_parse("viewer"), ==, RESCUE_ROLE_VIEWER);
	g_assert_cmpint(rescue_role_parse("operator"), ==, RESCUE_ROLE_OPERATOR);
	g_assert_cmpint(rescue_role_parse("none"), ==, RESCUE_ROLE_NONE); /* no token has it */
	g_assert_cmpint(rescue_role_parse("admin"), ==, RESCUE_ROLE_NONE);
}

static void
test_lines_that_are_no_tokens_are_refused(void)
{
	static const char *const wrong[] = {
		"",
		"# nothing\n",
		"viewer anna\n",
		"root anna "
		"sha256:0000000000000000000000000000000000000000000000000000000000000000\n",
		"viewer anna sha256:00\n",
		"viewer anna md5:00000000000000000000000000000000\n",
		"viewer anna "
		"sha256:000000000000000000000000000000000000000000000000000000000000000G\n",
		"\xff\n",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(RescueAuth) auth = rescue_auth_new(NULL, NULL);
		g_autoptr(GError) error = NULL;
		g_assert_false(rescue_auth_parse(auth, wrong[i], &error));
		g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT);
	}
}

/* events */

static void
count_wake(RescueEventClient *client, void *data)
{
	++*(unsigned *)data;
}

static char *
read_all(RescueEventClient *client)
{
	GString *text = g_string_new(NULL);
	char buffer[7]; /* parts of any size come together again */
	size_t n;

	while ((n = rescue_events_read(client, buffer, sizeof(buffer))) != 0)
		g_string_append_len(text, buffer, (ssize_t)n);
	return g_string_free(text, FALSE);
}

static void
assert_reads(RescueEventClient *client, const char *expected)
{
	g_autofree char *text = read_all(client);

	g_assert_cmpstr(text, ==, expected);
}

static void
test_a_client_gets_what_it_missed_once(void)
{
	g_autoptr(RescueEvents) events = rescue_events_new("e", 4);
	unsigned woken = 0;
	RescueEventClient *client;

	rescue_events_push(events, "slot", "1", false);
	rescue_events_push(events, "job", "2", true);
	client = rescue_events_join(events, "e-0", false, count_wake, &woken);
	assert_reads(client, "retry: 1000\n\nid: e-1\nevent: slot\ndata: 1\n\n");
	rescue_events_push(events, "slot", "3", false);
	g_assert_cmpuint(woken, ==, 1);
	assert_reads(client, "id: e-3\nevent: slot\ndata: 3\n\n");
	assert_reads(client, "");
	rescue_events_leave(client);
	client = rescue_events_join(events, "e-1", true, count_wake, &woken);
	assert_reads(client, "retry: 1000\n\nid: e-2\nevent: job\ndata: 2\n\n"
			     "id: e-3\nevent: slot\ndata: 3\n\n");
	rescue_events_beat(events);
	assert_reads(client, "event: beat\ndata: {}\n\n");
	rescue_events_leave(client);
}

static void
test_who_is_too_late_or_too_slow_begins_anew(void)
{
	static const char *const lost[] = { "x-1", "e-0", "e-99", "e", "", "e--1", "e-1x" };
	g_autoptr(RescueEvents) events = rescue_events_new("e", 4);
	unsigned woken = 0;
	RescueEventClient *slow = rescue_events_join(events, NULL, false, count_wake, &woken);
	char first[1];

	g_assert_cmpuint(rescue_events_read(slow, first, 1), ==, 1);
	for (unsigned i = 1; i <= 6; i++)
		rescue_events_push(events, "slot", "x", false);
	assert_reads(slow, "etry: 1000\n\nretry: 1000\nid: e-6\nevent: resync\ndata: {}\n\n");
	for (size_t i = 0; i < G_N_ELEMENTS(lost); i++) {
		RescueEventClient *late = rescue_events_join(events, lost[i], false, count_wake,
							     &woken);
		assert_reads(late, "retry: 1000\nid: e-6\nevent: resync\ndata: {}\n\n");
		rescue_events_leave(late);
	}
	rescue_events_leave(slow);
	g_assert_cmpuint(rescue_events_count(events), ==, 0);
}

static void
test_a_watcher_hears_only_of_slots_that_changed(void)
{
	g_auto(Site) s = site_new(false);
	unsigned woken = 0;
	RescueEventClient *client;
	g_autofree char *text = NULL;

	get(&s, "/api/v1/station", 200);
	g_assert_nonnull(strstr(s.answer.body, "\"cursor\":\"e-0\""));
	client = rescue_events_join(s.site.events, "e-0", false, count_wake, &woken);
	fake_line_plug(s.line, "A2", "iPhone12,1", RESCUE_ANSWER_ON);
	(void)rescue_site_refresh(&s.site);
	text = read_all(client);
	g_assert_nonnull(strstr(text, "event: slot\ndata: {\"label\":\"A2\""));
	g_assert_nonnull(strstr(text, "event: prompts\ndata: [{\"text\":\"Turn Find My off"));
	g_assert_null(strstr(text, "\"label\":\"A1\""));
	rescue_events_leave(client);
}

static void
test_slots_may_be_told_without_the_figures_and_lose_none(void)
{
	g_auto(Site) s = site_new(false);
	unsigned woken = 0;
	RescueEventClient *client;
	g_autofree char *brief = NULL, *whole = NULL;

	(void)rescue_site_refresh(&s.site);
	client = rescue_events_join(s.site.events, "e-0", false, count_wake, &woken);
	fake_line_plug(s.line, "A2", "iPhone12,1", RESCUE_ANSWER_OFF);
	rescue_site_refresh_slots(&s.site);
	brief = read_all(client);
	g_assert_nonnull(strstr(brief, "event: slot\n"));
	g_assert_null(strstr(brief, "event: buses\n"));
	(void)rescue_site_refresh(&s.site);
	whole = read_all(client);
	g_assert_nonnull(strstr(whole, "event: buses\n"));
	g_assert_null(strstr(whole, "event: slot\n"));
	rescue_events_leave(client);
}

/* where it listens */

static void
test_other_addresses_take_tls_and_tokens(void)
{
	static const RescueLineServerOptions wrong[] = {
		{ .address = "0.0.0.0" },
		{ .address = "::" },
		{ .address = "192.0.2.1" },
		{ .address = "localhost" },
		{ .address = "0.0.0.0", .tokens = "/nowhere" },
		{ .address = "0.0.0.0", .certificate = "/nowhere", .key = "/nowhere" },
		{ .address = "127.0.0.1", .certificate = "/nowhere" },
		{ .address = "127.0.0.1", .port = 99999 },
		{ .address = "127.0.0.1", .tokens = "/nowhere" },
	};
	g_autoptr(FakeLine) line = fake_line_new(1, 1);

	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_null(rescue_line_server_new(&wrong[i], &fake_line_view, line, &error));
		g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT);
		g_test_message("%s", error->message);
	}
}

static void
test_the_socket_is_this_users_alone_and_not_taken_from_one_who_runs(void)
{
	g_autofree char *dir = g_dir_make_tmp("line-web-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "socket", NULL);
	g_autoptr(FakeLine) line = fake_line_new(1, 1);
	RescueLineServerOptions options = { .socket = path };
	g_autoptr(RescueLineServer)
	    first = rescue_line_server_new(&options, &fake_line_view, line, NULL);
	g_autoptr(GError) error = NULL;
	struct stat st;

	g_assert_nonnull(first);
	g_assert_cmpint(stat(path, &st), ==, 0);
	g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
	g_assert_null(rescue_line_server_new(&options, &fake_line_view, line, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO);
	g_assert_cmpint(stat(path, &st), ==, 0);
	g_clear_pointer(&first, rescue_line_server_free);
	g_assert_cmpint(stat(path, &st), !=, 0);
	(void)g_rmdir(dir);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/line-web/host", test_a_name_that_was_pointed_here_gets_nothing);
	g_test_add_func("/line-web/addresses", test_at_all_addresses_any_address_is_its_name);
	g_test_add_func("/line-web/origin", test_pages_of_other_sites_get_and_do_nothing);
	g_test_add_func("/line-web/roles", test_roles);
	g_test_add_func("/line-web/login", test_a_browser_logs_in_and_out);
	g_test_add_func("/line-web/session", test_a_session_ends);
	g_test_add_func("/line-web/malformed", test_what_is_not_well_formed_is_refused);
	g_test_add_func("/line-web/methods",
			test_a_method_that_a_path_does_not_take_is_told_which_it_takes);
	g_test_add_func("/line-web/bodies", test_bodies);
	g_test_add_func("/line-web/conflict", test_what_cannot_be_done_now_says_what_to_do_instead);
	g_test_add_func("/line-web/pages", test_pages_are_asked_for_again_only_when_they_changed);
	g_test_add_func("/line-web/report", test_reports_are_saved_under_a_name);
	g_test_add_func("/line-web/past", test_what_is_past_is_left_to_a_child);
	g_test_add_func("/line-web/metrics", test_metrics_are_what_prometheus_reads);
	g_test_add_func("/line-web/documented",
			test_the_page_of_the_api_has_all_routes_and_no_other);
	g_test_add_func("/line-web/tokens", test_a_tokens_file_that_others_may_read_is_refused);
	g_test_add_func("/line-web/token-names", test_a_token_has_a_name_of_one_word);
	g_test_add_func("/line-web/role-names", test_roles_are_read_back);
	g_test_add_func("/line-web/lines", test_lines_that_are_no_tokens_are_refused);
	g_test_add_func("/line-web/events", test_a_client_gets_what_it_missed_once);
	g_test_add_func("/line-web/resync", test_who_is_too_late_or_too_slow_begins_anew);
	g_test_add_func("/line-web/changes", test_a_watcher_hears_only_of_slots_that_changed);
	g_test_add_func("/line-web/brief",
			test_slots_may_be_told_without_the_figures_and_lose_none);
	g_test_add_func("/line-web/address", test_other_addresses_take_tls_and_tokens);
	g_test_add_func("/line-web/socket",
			test_the_socket_is_this_users_alone_and_not_taken_from_one_who_runs);
	return g_test_run();
}
