/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#include "cli/line/http-wait.h"
#include "core/base/error.h"
#include "core/base/parse.h"

#define MAX_CONNECTIONS 256u
#define MAX_FOLLOWERS   96u
#define MAX_HEADERS     (16u * 1024)
#define STREAM_BLOCK    (8u * 1024)
#define TIMEOUT_S       60u
#define PRIORITIES      "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

static const char security_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

struct RescueHttp {
	RescueSite *site;
	bool local, secure;
	struct MHD_Daemon *daemon;
	GSource *source;
	RescueReaders *readers;
	GPtrArray *followers; /* Follower, borrowed */
	GPtrArray *waits;     /* RescueHttpWait, borrowed */
	bool ending;
};

/* One connection that follows the events. */
typedef struct {
	RescueHttp *http;
	struct MHD_Connection *connection;
	RescueEventClient *client;
	bool suspended;
} Follower;

/* One request while its body comes in. */
typedef struct {
	GString *body;
	char *query;          /* as sent */
	bool begun;           /* its headers were looked at */
	RescueHttpWait *wait; /* for who reads the answer; NULL: nobody does */
} Incoming;

/* the loop */

typedef struct {
	GSource base;
	struct MHD_Daemon *daemon;
	void *tag;
	bool due; /* a connection goes on, which the library's own descriptor does not tell */
	bool runs;
} Loop;

static gboolean
loop_prepare(GSource *source, int *timeout)
{
	const Loop *loop = (const Loop *)source;
	MHD_UNSIGNED_LONG_LONG ms;

	*timeout = -1;
	if (MHD_get_timeout(loop->daemon, &ms) == MHD_YES)
		*timeout = (int)MIN(ms, G_MAXINT);
	return loop->due || *timeout == 0;
}

static gboolean
loop_check(GSource *source)
{
	const Loop *loop = (const Loop *)source;
	MHD_UNSIGNED_LONG_LONG ms;

	return loop->due || g_source_query_unix_fd(source, loop->tag) != 0 ||
	       (MHD_get_timeout(loop->daemon, &ms) == MHD_YES && ms == 0);
}

static gboolean
loop_dispatch(GSource *source, GSourceFunc callback, void *data)
{
	Loop *loop = (Loop *)source;

	if (loop->runs)
		return G_SOURCE_CONTINUE;
	loop->due = false;
	loop->runs = true;
	(void)MHD_run(loop->daemon);
	loop->runs = false;
	return G_SOURCE_CONTINUE;
}

static GSource *
loop_attach(struct MHD_Daemon *daemon)
{
	static const GSourceFuncs functions = {
		.prepare = loop_prepare,
		.check = loop_check,
		.dispatch = loop_dispatch,
	};
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
	GSource *source = g_source_new((GSourceFuncs *)&functions, sizeof(Loop));
	Loop *loop = (Loop *)source;

	loop->daemon = daemon;
	/* else GLib takes its descriptor away for each dispatch, and wakes itself twice for that */
	g_source_set_can_recurse(source, TRUE);
	loop->tag = g_source_add_unix_fd(source, info->epoll_fd, G_IO_IN);
	g_source_attach(source, g_main_context_get_thread_default());
	return source;
}

/* events */

static void
follower_wake(RescueEventClient *client, void *data)
{
	Follower *follower = data;

	if (!follower->suspended)
		return;
	follower->suspended = false;
	MHD_resume_connection(follower->connection);
	((Loop *)follower->http->source)->due = true;
}

static ssize_t
follower_read(void *data, uint64_t position, char *buffer, size_t max)
{
	Follower *follower = data;
	size_t n;

	if (follower->http->ending)
		return MHD_CONTENT_READER_END_OF_STREAM;
	n = rescue_events_read(follower->client, buffer, max);
	if (n == 0) {
		follower->suspended = true;
		MHD_suspend_connection(follower->connection);
	}
	return (ssize_t)n;
}

static void
follower_free(void *data)
{
	Follower *follower = data;

	(void)g_ptr_array_remove(follower->http->followers, follower);
	rescue_events_leave(follower->client);
	g_free(follower);
}

static struct MHD_Response *
respond_with_events(RescueHttp *http, struct MHD_Connection *connection,
		    const RescueHttpRequest *request, const RescueHttpAnswer *answer)
{
	Follower *follower = g_new(Follower, 1);

	*follower = (Follower){ .http = http, .connection = connection };
	follower->client = rescue_events_join(http->site->events, request->last_id, answer->jobs,
					      follower_wake, follower);
	g_ptr_array_add(http->followers, follower);
	return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, follower_read,
						 follower, follower_free);
}

/* answers */

static void
add_header(struct MHD_Response *response, const char *name, const char *value)
{
	if (value != NULL)
		(void)MHD_add_response_header(response, name, value);
}

static void
add_headers(struct MHD_Response *response, const RescueHttpAnswer *answer)
{
	g_autofree char *disposition = NULL, *retry = NULL;

	add_header(response, "Content-Type", answer->type);
	add_header(response, "Content-Security-Policy", security_policy);
	add_header(response, "X-Content-Type-Options", "nosniff");
	add_header(response, "X-Frame-Options", "DENY");
	add_header(response, "Referrer-Policy", "no-referrer");
	add_header(response, "Cross-Origin-Opener-Policy", "same-origin");
	add_header(response, "Cross-Origin-Resource-Policy", "same-origin");
	add_header(response, "Cache-Control", answer->tag != NULL ? "no-cache" : "no-store");
	add_header(response, "ETag", answer->tag);
	add_header(response, "Set-Cookie", answer->cookie);
	add_header(response, "Allow", answer->allow);
	add_header(response, "WWW-Authenticate", answer->status == 401 ? "Bearer" : NULL);
	if (answer->file_name != NULL)
		disposition = g_strdup_printf("attachment; filename=\"%s\"", answer->file_name);
	add_header(response, "Content-Disposition", disposition);
	if (answer->retry_s != 0)
		retry = g_strdup_printf("%u", answer->retry_s);
	add_header(response, "Retry-After", retry);
}

static struct MHD_Response *
respond_with_text(RescueHttpAnswer *answer)
{
	char *body = answer->body;
	int file = answer->file;

	if (file > 0) {
		answer->file = 0; /* the response closes it */
		return MHD_create_response_from_fd64(answer->body_size, file);
	}
	if (answer->fixed != NULL)
		return MHD_create_response_from_buffer(answer->body_size, (void *)answer->fixed,
						       MHD_RESPMEM_PERSISTENT);
	answer->body = NULL; /* g_malloc() is malloc() */
	return MHD_create_response_from_buffer(answer->body_size, body, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result
send_answer(RescueHttp *http, struct MHD_Connection *connection, const RescueHttpRequest *request,
	    RescueHttpAnswer *answer)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	if (answer->stream && http->followers->len >= MAX_FOLLOWERS)
		rescue_http_refuse(answer, 503, "too many clients follow the events already");
	if (answer->stream && strcmp(request->method, "HEAD") != 0)
		response = respond_with_events(http, connection, request, answer);
	else
		response = respond_with_text(answer);
	if (response == NULL)
		return MHD_NO;
	add_headers(response, answer);
	result = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	return result;
}

/* requests */

static const char *
header_of(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static char *
describe_peer(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	char text[INET6_ADDRSTRLEN] = "";

	if (info == NULL || info->client_addr == NULL)
		return NULL;
	if (info->client_addr->sa_family == AF_INET)
		(void)inet_ntop(AF_INET, &((const struct sockaddr_in *)info->client_addr)->sin_addr,
				text, sizeof(text));
	else if (info->client_addr->sa_family == AF_INET6)
		(void)inet_ntop(AF_INET6,
				&((const struct sockaddr_in6 *)info->client_addr)->sin6_addr, text,
				sizeof(text));
	return text[0] != '\0' ? g_strdup(text) : NULL;
}

static void
on_wait_over(void *data)
{
	RescueHttp *http = data;

	((Loop *)http->source)->due = true;
}

/* What a child has to read keeps the connection waiting, and nobody else. */
static bool
wait_for_child(RescueHttp *http, struct MHD_Connection *connection, Incoming *incoming,
	       RescueHttpAnswer *answer)
{
	if (answer->past == NULL)
		return false;
	incoming->wait = rescue_http_wait_new(http->readers, connection, answer, on_wait_over,
					      http);
	if (incoming->wait != NULL)
		g_ptr_array_add(http->waits, incoming->wait);
	return incoming->wait != NULL;
}

static enum MHD_Result
answer_request(RescueHttp *http, struct MHD_Connection *connection, const char *method,
	       const char *path, Incoming *incoming)
{
	g_autofree char *peer = describe_peer(connection);
	RescueHttpRequest request = {
		.local = http->local,
		.secure = http->secure,
		.peer = peer,
		.method = method,
		.path = path,
		.query = incoming->query,
		.host = header_of(connection, "Host"),
		.origin = header_of(connection, "Origin"),
		.fetch_site = header_of(connection, "Sec-Fetch-Site"),
		.authorization = header_of(connection, "Authorization"),
		.cookie = header_of(connection, "Cookie"),
		.type = header_of(connection, "Content-Type"),
		.mark = header_of(connection, "X-Idevicerescue"),
		.last_id = header_of(connection, "Last-Event-ID"),
		.tag = header_of(connection, "If-None-Match"),
		.body = incoming->body->str,
		.body_size = incoming->body->len,
	};
	g_auto(RescueHttpAnswer) answer = { 0 };

	if (incoming->wait != NULL)
		return send_answer(http, connection, &request,
				   rescue_http_wait_answer(incoming->wait));
	rescue_site_answer(http->site, &request, &answer);
	if (wait_for_child(http, connection, incoming, &answer))
		return MHD_YES;
	return send_answer(http, connection, &request, &answer);
}

/* The library's own memory of the query splits and decodes it; this keeps it as it was sent. */
static void *
on_uri(void *data, const char *uri, struct MHD_Connection *connection)
{
	const char *mark = strchr(uri, '?');
	Incoming *incoming = g_new(Incoming, 1);

	*incoming = (Incoming){ .body = g_string_new(NULL) };
	incoming->query = g_strdup(mark != NULL ? mark + 1 : NULL);
	return incoming;
}

static void
on_completed(void *data, struct MHD_Connection *connection, void **request,
	     enum MHD_RequestTerminationCode code)
{
	RescueHttp *http = data;
	Incoming *incoming = *request;

	if (incoming == NULL)
		return;
	(void)g_ptr_array_remove_fast(http->waits, incoming->wait);
	rescue_http_wait_free(incoming->wait);
	(void)g_string_free(incoming->body, TRUE);
	g_free(incoming->query);
	g_free(incoming);
	*request = NULL;
}

static size_t
leave_encoded(void *data, struct MHD_Connection *connection, char *text)
{
	return strlen(text);
}

/* One that says beforehand that its body will be too long is answered before it comes. */
static bool
announces_too_much(struct MHD_Connection *connection)
{
	const char *length = header_of(connection, "Content-Length");
	uint64_t bytes;

	return length != NULL && !rescue_parse_uint(length, 0, RESCUE_HTTP_MAX_BODY, &bytes, NULL);
}

/* Called when the headers are there, then for each part of the body, then at its end. */
static enum MHD_Result
on_request(void *data, struct MHD_Connection *connection, const char *path, const char *method,
	   const char *version, const char *part, size_t *part_size, void **request)
{
	RescueHttp *http = data;
	Incoming *incoming = *request;
	size_t room;

	if (!incoming->begun) {
		incoming->begun = true;
		if (!announces_too_much(connection))
			return MHD_YES;
		g_string_set_size(incoming->body, RESCUE_HTTP_MAX_BODY + 1);
	} else if (*part_size != 0) {
		room = RESCUE_HTTP_MAX_BODY + 1 - incoming->body->len;
		g_string_append_len(incoming->body, part, (ssize_t)MIN(*part_size, room));
		*part_size = 0;
		return MHD_YES;
	}
	return answer_request(http, connection, method, path, incoming);
}

/* the library's own words are for developers */
static void G_GNUC_PRINTF(2, 0) on_log(void *data, const char *format, va_list arguments)
{
	g_autofree char *text = g_strdup_vprintf(format, arguments);

	g_debug("libmicrohttpd: %s", g_strchomp(text));
}

static struct MHD_Daemon *
start(RescueHttp *http, const RescueHttpListen *listen)
{
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
			 (listen->cert != NULL ? MHD_USE_TLS : 0);
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)listen->cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)listen->key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)PRIORITIES },
		{ MHD_OPTION_END, 0, NULL },
	};

	if (listen->cert == NULL)
		tls[0].option = MHD_OPTION_END;
	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, http, MHD_OPTION_EXTERNAL_LOGGER,
				on_log, NULL, MHD_OPTION_LISTEN_SOCKET, listen->fd,
				MHD_OPTION_URI_LOG_CALLBACK, on_uri, NULL,
				MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, NULL,
				MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
				MHD_OPTION_CONNECTION_LIMIT, MAX_CONNECTIONS,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MAX_HEADERS,
				MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S, MHD_OPTION_ARRAY, tls,
				MHD_OPTION_END);
}

RescueHttp *
rescue_http_new(RescueSite *site, const RescueHttpListen *listen, GError **error)
{
	g_autoptr(RescueHttp) http = g_new0(RescueHttp, 1);

	http->site = site;
	http->local = listen->local;
	http->secure = listen->cert != NULL;
	http->readers = listen->readers;
	http->followers = g_ptr_array_new();
	http->waits = g_ptr_array_new();
	http->daemon = start(http, listen);
	if (http->daemon == NULL) {
		(void)close(listen->fd);
		g_set_error(
		    error, RESCUE_ERROR,
		    listen->cert != NULL ? RESCUE_ERROR_BAD_INPUT : RESCUE_ERROR_HOST_IO,
		    listen->cert != NULL
			? "the web server does not start: certificate and key have to be "
			  "PEM, and the key that of the certificate"
			: "the web server does not start: this computer has no room for it");
		return NULL;
	}
	http->source = loop_attach(http->daemon);
	return g_steal_pointer(&http);
}

/* The library ends no connection that is suspended. */
static void
end_sleepers(RescueHttp *http)
{
	http->ending = true;
	for (unsigned i = 0; i < http->waits->len; i++)
		rescue_http_wait_end(http->waits->pdata[i],
				     "the line is stopping: ask again when it is back");
	for (unsigned i = 0; i < http->followers->len; i++) {
		Follower *follower = g_ptr_array_index(http->followers, i);
		follower_wake(follower->client, follower);
	}
	(void)MHD_run(http->daemon);
}

void
rescue_http_free(RescueHttp *http)
{
	if (http == NULL)
		return;
	if (http->daemon != NULL) {
		end_sleepers(http);
		MHD_stop_daemon(http->daemon);
	}
	if (http->source != NULL) {
		g_source_destroy(http->source);
		g_source_unref(http->source);
	}
	g_ptr_array_unref(http->followers);
	g_ptr_array_unref(http->waits);
	g_free(http);
}
