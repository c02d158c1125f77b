/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "cli/line/site.h"
#include "tests/fuzz/fuzz.h"
#include "tests/line/fake-line.h"

/* lines of the input: method, path, query, host, origin, authorization, cookie, type, last id; the rest is the body */
#define FIELDS 9u

static void
read_request(char **lines, RescueHttpRequest *request)
{
	const char **fields[FIELDS] = {
		&request->method, &request->path,   &request->query,
		&request->host,   &request->origin, &request->authorization,
		&request->cookie, &request->type,   &request->last_id,
	};

	for (unsigned i = 0; i < FIELDS && lines[i] != NULL; i++) {
		if (lines[i][0] != '\0' || i < 2)
			*fields[i] = lines[i];
	}
	if (g_strv_length(lines) > FIELDS) {
		request->body = lines[FIELDS];
		request->body_size = strlen(request->body);
	}
}

static void
wake(RescueEventClient *client, void *data)
{
}

/* Every refusal has a sentence, in UTF-8; nobody without a token sees or does anything. */
static void
check(const RescueHttpRequest *request, const RescueHttpAnswer *answer, const FakeLine *line)
{
	bool open = g_str_has_prefix(request->path, "/api/v1/session") ||
		    strcmp(request->path, "/healthz") == 0 || answer->tag != NULL;

	g_assert_cmpuint(answer->status, >=, 200);
	g_assert_true(answer->body == NULL || g_utf8_validate(answer->body, -1, NULL));
	if (answer->status >= 400)
		g_assert_nonnull(strstr(answer->body, "\"detail\":\""));
	if (!request->local && !open)
		g_assert_cmpuint(answer->status, >=, 400);
	if (!request->local)
		g_assert_cmpstr(fake_line_last_act(line), ==, "");
}

static void
visit(RescueSite *site, RescueHttpRequest *request, const FakeLine *line)
{
	g_auto(RescueHttpAnswer) answer = { 0 };

	rescue_site_answer(site, request, &answer);
	check(request, &answer, line);
	if (answer.stream) {
		char buffer[64];
		RescueEventClient *client = rescue_events_join(site->events, request->last_id,
							       answer.jobs, wake, NULL);
		while (rescue_events_read(client, buffer, sizeof(buffer)) != 0)
			continue;
		rescue_events_leave(client);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char tokens[] =
	    "operator anna sha256:0000000000000000000000000000000000000000000000000000000000000000";
	g_autofree char *text = g_strndup((const char *)data, size);
	g_auto(GStrv) lines = g_strsplit(text, "\n", FIELDS + 1);
	g_autoptr(FakeLine) line = fake_line_new(1, 2);
	g_autoptr(RescueAuth) auth = rescue_auth_new(NULL, NULL);
	g_autoptr(RescueEvents) events = rescue_events_new("e", 8);
	RescueSite site = { .view = &fake_line_view,
			    .self = line,
			    .clock = rescue_clock_system(),
			    .auth = auth,
			    .events = events,
			    .address = "127.0.0.1",
			    .port = 8470 };
	RescueHttpRequest request = { .method = "", .path = "" };

	g_assert_true(rescue_auth_parse(auth, tokens, NULL));
	read_request(lines, &request);
	visit(&site, &request, line);
	request.local = true;
	visit(&site, &request, line);
	rescue_site_clear(&site);
	return 0;
}
