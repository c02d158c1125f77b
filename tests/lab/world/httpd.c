/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/httpd.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

enum { MAX_BODY = 16 * 1024 * 1024 };

struct LabHttpd {
	struct MHD_Daemon *daemon;
	LabHttpHandler handler;
	void *data;
	GSource *source;
	GHashTable *suspended; /* of struct MHD_Connection */
};

/* what one request has brought so far */
typedef struct {
	GByteArray *body;
	bool too_large;
	bool delayed;    /* it has waited: answer it as if nothing were wrong */
	LabHttpd *httpd; /* borrowed */
	struct MHD_Connection *connection;
	unsigned timer; /* ends the wait */
} Arrival;

/* ---- main loop -------------------------------------------------------------------------------- */

typedef struct {
	GSource base;
	LabHttpd *httpd;
	gpointer epoll; /* tag of its descriptor */
} HttpdSource;

static gboolean
source_prepare(GSource *source, gint *timeout)
{
	MHD_UNSIGNED_LONG_LONG wait = 0;
	LabHttpd *httpd = ((HttpdSource *)source)->httpd;
	*timeout = MHD_get_timeout(httpd->daemon, &wait) == MHD_YES
		       ? (gint)MIN(wait, (unsigned)G_MAXINT)
		       : -1;
	return *timeout == 0;
}

/* only when there is something to do: each dispatch of a source with descriptors wakes the loop once more */
static gboolean
source_check(GSource *source)
{
	HttpdSource *self = (HttpdSource *)source;
	MHD_UNSIGNED_LONG_LONG wait = 0;
	return g_source_query_unix_fd(source, self->epoll) != 0 ||
	       (MHD_get_timeout(self->httpd->daemon, &wait) == MHD_YES && wait == 0);
}

static gboolean
source_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
	(void)MHD_run(((HttpdSource *)source)->httpd->daemon);
	return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_functions = {
	.prepare = source_prepare,
	.check = source_check,
	.dispatch = source_dispatch,
};

static void
watch(LabHttpd *httpd)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(httpd->daemon,
							       MHD_DAEMON_INFO_EPOLL_FD);
	httpd->source = g_source_new(&source_functions, sizeof(HttpdSource));
	HttpdSource *self = (HttpdSource *)httpd->source;
	self->httpd = httpd;
	self->epoll = g_source_add_unix_fd(httpd->source, info->epoll_fd, G_IO_IN);
	g_source_set_name(httpd->source, "lab-httpd");
	g_source_attach(httpd->source, NULL);
}

/* ---- requests --------------------------------------------------------------------------------- */

static void
split_target(const char *target, struct MHD_Connection *connection, char **ret_host,
	     char **ret_path)
{
	static const char scheme[] = "http://";
	if (g_str_has_prefix(target, scheme)) {
		const char *host = target + strlen(scheme);
		const char *slash = strchrnul(host, '/');
		*ret_host = g_strndup(host, (gsize)(slash - host));
		*ret_path = g_strdup(*slash != '\0' ? slash : "/");
		return;
	}
	const char *header = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							 MHD_HTTP_HEADER_HOST);
	*ret_host = g_strdup(header != NULL ? header : "");
	*ret_path = g_strdup(target);
}

static enum MHD_Result
call_handler(LabHttpd *httpd, struct MHD_Connection *connection, const char *target,
	     const char *method, Arrival *arrival)
{
	LabHttpRequest request = { .connection = connection,
				   .method = method,
				   .arrival = arrival,
				   .delayed = arrival->delayed,
				   .body = arrival->body->data,
				   .body_size = arrival->body->len };
	split_target(target, connection, &request.host, &request.path);
	enum MHD_Result result = arrival->too_large
				     ? lab_http_text(&request, MHD_HTTP_CONTENT_TOO_LARGE,
						     "text/plain", "too large\n")
				     : httpd->handler(httpd->data, &request);
	g_free(request.host);
	g_free(request.path);
	return result;
}

/* signature given by libmicrohttpd */
static enum MHD_Result
on_access(void *data, struct MHD_Connection *connection, const char *target, const char *method,
	  const char *version, const char *upload, size_t *upload_size, void **context)
{
	if (*context == NULL) {
		Arrival *fresh = g_new0(Arrival, 1);
		fresh->body = g_byte_array_new();
		fresh->httpd = data;
		fresh->connection = connection;
		*context = fresh;
		return MHD_YES;
	}
	Arrival *arrival = *context;
	if (*upload_size > 0) {
		arrival->too_large |= arrival->body->len + *upload_size > MAX_BODY;
		if (!arrival->too_large)
			g_byte_array_append(arrival->body, (const guint8 *)upload,
					    (guint)*upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	return call_handler(data, connection, target, method, arrival);
}

static void
on_completed(void *data, struct MHD_Connection *connection, void **context,
	     enum MHD_RequestTerminationCode code)
{
	Arrival *arrival = *context;
	*context = NULL;
	if (arrival == NULL)
		return;
	g_clear_handle_id(&arrival->timer, g_source_remove);
	g_byte_array_unref(arrival->body);
	g_free(arrival);
}

/* ---- public ----------------------------------------------------------------------------------- */

LabHttpd *
lab_httpd_new(const LabHttpdSpec *spec, GError **error)
{
	LabHttpd *httpd = g_new0(LabHttpd, 1);
	httpd->handler = spec->handler;
	httpd->data = spec->data;
	httpd->suspended = g_hash_table_new(NULL, NULL);
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	bool tls = spec->key_pem != NULL;
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (tls ? MHD_USE_TLS : 0) |
			 (spec->listen ? 0 : MHD_USE_NO_LISTEN_SOCKET);
	const struct MHD_OptionItem plain[] = { { MHD_OPTION_END, 0, NULL } };
	const struct MHD_OptionItem secure[] = {
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)spec->key_pem },
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)spec->certificate_pem },
		{ MHD_OPTION_END, 0, NULL }
	};
	httpd->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_access, httpd,
					 MHD_OPTION_SOCK_ADDR, &address,
					 MHD_OPTION_NOTIFY_COMPLETED, on_completed, httpd,
					 MHD_OPTION_ARRAY, tls ? secure : plain, MHD_OPTION_END);
	if (httpd->daemon == NULL) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
			    "cannot start a web server on 127.0.0.1");
		lab_httpd_free(httpd);
		return NULL;
	}
	watch(httpd);
	return httpd;
}

void
lab_httpd_free(LabHttpd *httpd)
{
	if (httpd == NULL)
		return;
	GHashTableIter iter;
	gpointer connection = NULL;
	g_hash_table_iter_init(&iter, httpd->suspended);
	while (g_hash_table_iter_next(&iter, &connection, NULL))
		MHD_resume_connection(
		    connection); /* libmicrohttpd must not stop with suspended ones */
	g_hash_table_unref(httpd->suspended);
	if (httpd->source != NULL) {
		g_source_destroy(httpd->source);
		g_source_unref(httpd->source);
	}
	if (httpd->daemon != NULL)
		MHD_stop_daemon(httpd->daemon);
	g_free(httpd);
}

uint16_t
lab_httpd_port(const LabHttpd *httpd)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(httpd->daemon,
							       MHD_DAEMON_INFO_BIND_PORT);
	return info != NULL ? info->port : 0;
}

void
lab_httpd_adopt(LabHttpd *httpd, int fd)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof address;
	if (getpeername(fd, (struct sockaddr *)&address, &length) != 0) {
		(void)g_close(fd, NULL);
		return;
	}
	/* it closes the descriptor when it cannot take it */
	(void)MHD_add_connection(httpd->daemon, fd, (const struct sockaddr *)&address, length);
}

enum MHD_Result
lab_http_answer(const LabHttpRequest *request, unsigned status, const char *type, GBytes *body)
{
	gsize size = 0;
	const void *data = g_bytes_get_data(body, &size);
	struct MHD_Response *response = MHD_create_response_from_buffer(size, (void *)data,
									MHD_RESPMEM_MUST_COPY);
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	enum MHD_Result result = MHD_queue_response(request->connection, status, response);
	MHD_destroy_response(response);
	return result;
}

enum MHD_Result
lab_http_text(const LabHttpRequest *request, unsigned status, const char *type, const char *text)
{
	g_autoptr(GBytes) body = g_bytes_new(text, strlen(text));
	return lab_http_answer(request, status, type, body);
}

void
lab_http_suspend(LabHttpd *httpd, struct MHD_Connection *connection)
{
	g_hash_table_add(httpd->suspended, connection);
	MHD_suspend_connection(connection);
}

enum MHD_Result
lab_http_hang(LabHttpd *httpd, const LabHttpRequest *request)
{
	lab_http_suspend(httpd, request->connection);
	return MHD_YES;
}

static gboolean
on_delay_over(void *data)
{
	Arrival *arrival = data;
	arrival->timer = 0;
	g_hash_table_remove(arrival->httpd->suspended, arrival->connection);
	MHD_resume_connection(arrival->connection);
	(void)MHD_run(arrival->httpd->daemon);
	return G_SOURCE_REMOVE;
}

enum MHD_Result
lab_http_delay(LabHttpd *httpd, const LabHttpRequest *request, unsigned delay_ms)
{
	Arrival *arrival = request->arrival;
	arrival->delayed = true;
	arrival->timer = g_timeout_add(delay_ms, on_delay_over, arrival);
	return lab_http_hang(httpd, request);
}

void
lab_http_reset_on_close(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };
	if (info != NULL)
		(void)setsockopt(info->connect_fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}
