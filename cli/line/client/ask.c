/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/client/ask.h"

#include <gio/gunixsocketaddress.h>
#include <string.h>
#include <sys/un.h>

#include "core/base/error.h"
#include "core/base/parse.h"

#define DEADLINE_S 20u
#define MAX_ANSWER (64u * 1024 * 1024)
#define READ_STEP  (64u * 1024)
#define MAX_SOCKET sizeof(((struct sockaddr_un *)NULL)->sun_path)

enum { HTTP_OK = 200, HTTP_REDIRECT = 300, HTTP_CONFLICT = 409, HTTP_ERRORS = 500 };

char *
rescue_line_socket(const char *state_dir)
{
	return g_build_filename(state_dir, "line", "socket", NULL);
}

static void
explain_refusal(const char *socket, const GError *cause, GError **error)
{
	const char *what = "the line does not answer";

	if (g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
		what = "no line runs for this state folder; start it, or say --state";
	else if (g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
		what = "the line does not run, its socket is left of one that died; start it";
	else if (g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
		what = "this user may not speak to the line; become the one that it runs as";
	else if (g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
		what = "the line runs and does not answer; see its log";
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "%s (%s)", what, socket);
}

static GSocketConnection *
connect_to(const char *path, unsigned deadline_s, GError **error)
{
	g_autoptr(GSocketClient) client = g_socket_client_new();
	g_autoptr(GSocketAddress) address = NULL;
	g_autoptr(GError) cause = NULL;
	GSocketConnection *connection;

	if (strlen(path) >= MAX_SOCKET) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "the name of the line's socket is too long for a socket, choose a "
			    "shorter state folder: %s",
			    path);
		return NULL;
	}
	address = g_unix_socket_address_new(path);
	g_socket_client_set_timeout(client, deadline_s);
	connection = g_socket_client_connect(client, G_SOCKET_CONNECTABLE(address), NULL, &cause);
	if (connection == NULL)
		explain_refusal(path, cause, error);
	return connection;
}

/* HTTP/1.0: what is behind the head is the body, and the end of the connection is its end */
static bool
send_request(GSocketConnection *connection, const RescueLineRequest *request, GError **error)
{
	GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(connection));
	const char *body = request->body != NULL ? request->body : "";
	g_autofree char *text = g_strdup_printf(
	    "%s %s HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n%s",
	    request->method, request->path, strlen(body), body);

	return g_output_stream_write_all(out, text, strlen(text), NULL, NULL, error);
}

static bool
read_all(GSocketConnection *connection, GString *text, GError **error)
{
	GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(connection));
	g_autofree char *buffer = g_malloc(READ_STEP);
	gssize n;

	while ((n = g_input_stream_read(in, buffer, READ_STEP, NULL, error)) > 0) {
		g_string_append_len(text, buffer, n);
		if (text->len > MAX_ANSWER) {
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "too long");
			return false;
		}
	}
	return n == 0;
}

/* "HTTP/1.1 200 OK"; 0: no such thing */
static unsigned
read_status(const char *text)
{
	const char *space = strchr(text, ' ');
	g_autofree char *digits = space != NULL ? g_strndup(space + 1, 3) : NULL;
	uint64_t status = 0;

	if (digits == NULL || !g_str_has_prefix(text, "HTTP/1.") ||
	    !rescue_parse_uint(digits, 100, 599, &status, NULL))
		return 0;
	return (unsigned)status;
}

/* the daemon's own sentence, which stands in its problem document (RFC 9457) */
static void
explain_answer(unsigned status, const char *body, GError **error)
{
	g_autoptr(RescueJson) problem = rescue_json_parse(body, strlen(body), NULL);
	const char *detail = problem != NULL ? rescue_json_get_string(problem, "detail") : NULL;
	int code = status == HTTP_CONFLICT ? RESCUE_ERROR_BUSY
		   : status >= HTTP_ERRORS ? RESCUE_ERROR_HOST_IO
					   : RESCUE_ERROR_BAD_INPUT;

	if (detail == NULL && problem != NULL)
		detail = rescue_json_get_string(problem, "title");
	if (detail != NULL)
		g_set_error_literal(error, RESCUE_ERROR, code, detail);
	else
		g_set_error(error, RESCUE_ERROR, code, "the line answers with HTTP %u", status);
}

static char *
judge(const char *text, GError **error)
{
	unsigned status = read_status(text);
	const char *end = strstr(text, "\r\n\r\n");

	if (status == 0 || end == NULL) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
			    "what listens at the line's socket is no line, or one that just ended");
		return NULL;
	}
	end += strlen("\r\n\r\n");
	if (status >= HTTP_OK && status < HTTP_REDIRECT)
		return g_strdup(end);
	explain_answer(status, end, error);
	return NULL;
}

char *
rescue_line_ask(const RescueLineRequest *request, GError **error)
{
	g_autoptr(GSocketConnection) connection = connect_to(request->socket, DEADLINE_S, error);
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GError) cause = NULL;

	if (connection == NULL)
		return NULL;
	if (!send_request(connection, request, &cause) || !read_all(connection, text, &cause)) {
		explain_refusal(request->socket, cause, error);
		return NULL;
	}
	return judge(text->str, error);
}

RescueJson *
rescue_line_ask_json(const RescueLineRequest *request, GError **error)
{
	g_autofree char *text = rescue_line_ask(request, error);

	return text != NULL ? rescue_json_parse(text, strlen(text), error) : NULL;
}

GSocketConnection *
rescue_line_listen(const char *socket, GError **error)
{
	const RescueLineRequest request = { socket, "GET", "/api/v1/events", NULL };
	g_autoptr(GSocketConnection) connection = connect_to(socket, 0, error);
	g_autoptr(GError) cause = NULL;

	if (connection == NULL)
		return NULL;
	if (!send_request(connection, &request, &cause)) {
		explain_refusal(socket, cause, error);
		return NULL;
	}
	return g_steal_pointer(&connection);
}
