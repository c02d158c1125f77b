/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>

#include "core/base/parse.h"
#include "core/process/process.h"
#include "firmware/signing/relay-log.h"
#include "firmware/signing/relay.h"
#include "firmware/signing/reply.h"

/*
 * idevicerescue-relay: stands between one engine and the signing server, on a socket of the loopback that its starter
 * has opened, and ends when the engine does. It belongs to the engine, not to whoever started it.
 */

#define PATH           "/TSS/controller"
#define IDLE_MS        1000 /* libmicrohttpd looks after its own timeouts at least so often */
#define MAX_CONNECTION 8u
#define TIMEOUT_S      60u
#define EXIT_USAGE     2

typedef struct {
	char *server, *ca_file, *listen_fd, *engine_pid, *engine_start;
	gboolean with_bodies;
} Options;

static void
options_clear(Options *options)
{
	g_free(options->server);
	g_free(options->ca_file);
	g_free(options->listen_fd);
	g_free(options->engine_pid);
	g_free(options->engine_start);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

/* ---- requests -------------------------------------------------------------------------------------- */

/* one request while it arrives */
typedef struct {
	GString *body;
	bool refused;
} Upload;

static enum MHD_Result
answer(struct MHD_Connection *connection, unsigned status, const char *body, size_t size)
{
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(size, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result = MHD_queue_response(connection, status, response);

	MHD_destroy_response(response);
	return result;
}

static void
take_bytes(Upload *upload, const char *data, size_t size)
{
	if (size > RESCUE_TSS_REPLY_MAX_BYTES - upload->body->len)
		upload->refused = true;
	if (!upload->refused)
		g_string_append_len(upload->body, data, (gssize)size);
}

static enum MHD_Result
relay_one(RescueRelay *relay, struct MHD_Connection *connection, const Upload *upload)
{
	g_auto(RescueTssAnswer) got = { .body = NULL };

	if (!rescue_relay_handle(relay, upload->body->str, upload->body->len, &got))
		return MHD_NO;
	return answer(connection, (unsigned)got.http_status, got.body, got.size);
}

/* nothing but signing requests goes through: this is no proxy for anything else that the engine may do */
static bool
is_for_us(const char *url, const char *method)
{
	return strcmp(method, MHD_HTTP_METHOD_POST) == 0 && g_str_has_suffix(url, PATH);
}

static enum MHD_Result
on_access(void *data, struct MHD_Connection *connection, const char *url, const char *method,
	  const char *version, const char *bytes, size_t *size, void **state)
{
	Upload *upload = *state;

	if (upload == NULL) {
		upload = g_new0(Upload, 1);
		upload->body = g_string_new(NULL);
		upload->refused = !is_for_us(url, method);
		*state = upload;
		return MHD_YES;
	}
	if (*size > 0) {
		take_bytes(upload, bytes, *size);
		*size = 0;
		return MHD_YES;
	}
	if (upload->refused)
		return answer(connection, MHD_HTTP_FORBIDDEN, "", 0);
	return relay_one(data, connection, upload);
}

static void
on_completed(void *data, struct MHD_Connection *connection, void **state,
	     enum MHD_RequestTerminationCode why)
{
	Upload *upload = *state;

	if (upload == NULL)
		return;
	g_string_free(upload->body, TRUE);
	g_free(upload);
	*state = NULL;
}

/* ---- life ------------------------------------------------------------------------------------------ */

static struct MHD_Daemon *
listen_on(int fd, RescueRelay *relay)
{
	return MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_access, relay,
				MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED,
				on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT, MAX_CONNECTION,
				MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S, MHD_OPTION_END);
}

static void
serve(struct MHD_Daemon *daemon, const RescueRelay *relay, int engine_fd)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd events[] = {
		{ .fd = info->epoll_fd, .events = POLLIN },
		{ .fd = engine_fd, .events = POLLIN },
	};

	while (!rescue_relay_engine_is_gone(relay)) {
		if (poll(events, G_N_ELEMENTS(events), IDLE_MS) < 0 && errno != EINTR)
			return;
		(void)MHD_run(daemon);
	}
}

/* the engine is known by its start time too: a pid alone may be somebody else's by now */
static int
open_engine(const Options *options, pid_t *ret_pid)
{
	uint64_t pid, start_time;

	if (options->engine_pid == NULL || options->engine_start == NULL ||
	    !rescue_parse_uint(options->engine_pid, 1, INT32_MAX, &pid, NULL) ||
	    !rescue_parse_uint(options->engine_start, 1, UINT64_MAX, &start_time, NULL))
		return -1;
	int fd = pidfd_open((pid_t)pid, 0);
	if (fd >= 0 && !rescue_process_is_alive((pid_t)pid, start_time))
		return -1;
	*ret_pid = (pid_t)pid;
	return fd;
}

static int
fail(const char *sentence)
{
	(void)fprintf(stderr, "idevicerescue-relay: %s\n", sentence);
	return EXIT_USAGE;
}

static int
run(const Options *options)
{
	uint64_t listen_fd;
	pid_t pid = 0;
	int engine_fd = open_engine(options, &pid);
	const RescueRelaySpec spec = { .server = options->server,
				       .ca_file = options->ca_file,
				       .engine_fd = engine_fd,
				       .with_bodies = options->with_bodies };
	g_autoptr(RescueRelay) relay = rescue_relay_new(&spec);
	g_autofree char *url = rescue_tss_url(options->server);

	if (engine_fd < 0)
		return fail("there is no such engine");
	if (options->listen_fd == NULL ||
	    !rescue_parse_uint(options->listen_fd, 0, INT32_MAX, &listen_fd, NULL))
		return fail("wants the descriptor of a listening socket");
	struct MHD_Daemon *daemon = listen_on((int)listen_fd, relay);
	if (daemon == NULL)
		return fail("cannot listen on that socket");
	rescue_relay_log_start(pid, url);
	serve(daemon, relay, engine_fd);
	MHD_stop_daemon(daemon);
	rescue_relay_log_end();
	return 0;
}

int
main(int argc, char **argv)
{
	g_auto(Options) options = { .server = NULL };
	const GOptionEntry entries[] = {
		{ "listen-fd", 0, 0, G_OPTION_ARG_STRING, &options.listen_fd,
		  "the socket to listen on", "N" },
		{ "engine-pid", 0, 0, G_OPTION_ARG_STRING, &options.engine_pid, "whom to serve",
		  "PID" },
		{ "engine-start", 0, 0, G_OPTION_ARG_STRING, &options.engine_start,
		  "when that started, in clock ticks since boot", "TICKS" },
		{ "server", 0, 0, G_OPTION_ARG_STRING, &options.server,
		  "ask this signing server instead of Apple's", "URL" },
		{ "ca-file", 0, 0, G_OPTION_ARG_FILENAME, &options.ca_file,
		  "know it by the certificates in this file", "FILE" },
		{ "with-bodies", 0, 0, G_OPTION_ARG_NONE, &options.with_bodies,
		  "tell requests and replies whole", NULL },
		{ 0 }
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	g_option_context_set_summary(
	    context, "Stands between one restore engine and the signing server; started by "
		     "idevicerescue.");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error))
		return fail(error->message);
	return run(&options);
}
