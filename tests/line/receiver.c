/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/json.h"
#include "tests/lab/world/httpd.h"

/*
 * idevicerescue-lab-receiver SECRET BROKEN: a web server that is told by a webhook whose secret this is, and answers
 * 500 while the file BROKEN is there, else 200. stdout: its address, then a line for each request:
 *   STATUS SEQ ID EVENT SLOT STATE SCAN; the status is "forged" when these bytes were not signed in this minute
 * The signature is made here by GLib, from what docs/line.md says.
 */

#define MINUTE_S 60

typedef struct {
	const char *secret, *broken;
} Receiver;

static const char *
header_of(const LabHttpRequest *request, const char *name)
{
	const char *value = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);

	return value != NULL ? value : "";
}

static bool
is_signed(const Receiver *receiver, const LabHttpRequest *request, const char *body)
{
	g_auto(GStrv) parts = g_strsplit(header_of(request, "Rescue-Signature"), ",", -1);
	const char *time = parts[0] != NULL && g_str_has_prefix(parts[0], "t=") ? parts[0] + 2 : "";
	int64_t age_s = g_get_real_time() / G_USEC_PER_SEC - g_ascii_strtoll(time, NULL, 10);
	g_autofree char *text = g_strdup_printf("%s.%s", time, body);
	g_autofree char *mac = g_compute_hmac_for_string(G_CHECKSUM_SHA256,
							 (const guchar *)receiver->secret,
							 strlen(receiver->secret), text, -1);
	g_autofree char *wanted = g_strconcat("v1=", mac, NULL);

	return g_strv_length(parts) == 2 && strcmp(parts[1], wanted) == 0 && ABS(age_s) < MINUTE_S;
}

static const char *
member(const RescueJson *event, const char *name)
{
	const char *text = rescue_json_get_string(event, name);

	return text != NULL && text[0] != '\0' ? text : "-";
}

static enum MHD_Result
on_request(void *data, const LabHttpRequest *request)
{
	const Receiver *receiver = data;
	g_autofree char *body = g_strndup((const char *)request->body, request->body_size);
	g_autoptr(RescueJson) event = rescue_json_parse(body, request->body_size, NULL);
	const char *id = header_of(request, "Rescue-Event-Id");
	bool fair = event != NULL && is_signed(receiver, request, body) &&
		    strcmp(id, member(event, "id")) == 0;
	unsigned status = access(receiver->broken, F_OK) == 0 ? 500 : 200;
	g_autofree char *word = g_strdup_printf("%u", status);
	int64_t seq = 0;

	(void)rescue_json_get_int(event, "seq", &seq);
	g_print("%s %" G_GINT64_FORMAT " %s %s %s %s %s\n", fair ? word : "forged", seq,
		member(event, "id"), member(event, "event"), member(event, "slot"),
		member(event, "state"), member(event, "scan"));
	(void)fflush(stdout);
	return lab_http_text(request, status, "text/plain", "");
}

int
main(int argc, char **argv)
{
	Receiver receiver;
	const LabHttpdSpec spec = { .handler = on_request, .data = &receiver, .listen = true };
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	g_autoptr(LabHttpd) httpd = NULL;
	g_autoptr(GError) error = NULL;

	if (argc != 3) {
		g_printerr("usage: idevicerescue-lab-receiver SECRET BROKEN\n");
		return 2;
	}
	receiver = (Receiver){ argv[1], argv[2] };
	httpd = lab_httpd_new(&spec, &error);
	if (httpd == NULL) {
		g_printerr("%s\n", error->message);
		return 3;
	}
	g_print("http://127.0.0.1:%u/told\n", lab_httpd_port(httpd));
	(void)fflush(stdout);
	g_main_loop_run(loop);
	return 0;
}
