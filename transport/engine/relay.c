/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/engine/relay.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/process/process.h"

#define BACKLOG 8
/* a relay ends with its engine; one that does not is not waited for */
#define GONE_MS    2000
#define MAX_STATUS 99999

struct RescueEngineRelay {
	char *program, *server, *ca_file, *url;
	RescueInbox *inbox;
	int listen_fd;
	RescueProcess *process; /* the present or last one, or NULL */
	bool running;
	void (*gone)(void *data);
	void *gone_data;
	guint gone_timer;
};

RescueEngineRelay *
rescue_engine_relay_new(const RescueEngineRelaySpec *spec)
{
	RescueEngineRelay *relay = g_new0(RescueEngineRelay, 1);

	relay->program = g_strdup(spec->program);
	relay->server = g_strdup(spec->server);
	relay->ca_file = g_strdup(spec->ca_file);
	relay->inbox = spec->inbox;
	relay->listen_fd = -1;
	return relay;
}

static void
close_socket(RescueEngineRelay *relay)
{
	if (relay->listen_fd >= 0)
		(void)close(relay->listen_fd);
	relay->listen_fd = -1;
}

static void
forget_process(RescueEngineRelay *relay)
{
	g_clear_handle_id(&relay->gone_timer, g_source_remove);
	g_clear_pointer(&relay->process, rescue_process_free);
	relay->running = false;
	relay->gone = NULL;
}

void
rescue_engine_relay_free(RescueEngineRelay *relay)
{
	if (relay == NULL)
		return;
	forget_process(relay);
	close_socket(relay);
	g_free(relay->program);
	g_free(relay->server);
	g_free(relay->ca_file);
	g_free(relay->url);
	g_free(relay);
}

/* ---- the socket ------------------------------------------------------------------------------------ */

static int
open_socket(uint16_t *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, length) == 0 &&
	    listen(fd, BACKLOG) == 0 &&
	    getsockname(fd, (struct sockaddr *)&address, &length) == 0) {
		*ret_port = ntohs(address.sin_port);
		return fd;
	}
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

bool
rescue_engine_relay_listen(RescueEngineRelay *relay, GError **error)
{
	uint16_t port = 0;

	forget_process(relay);
	close_socket(relay);
	relay->listen_fd = open_socket(&port);
	if (relay->listen_fd < 0) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
			    "cannot listen on the loopback for the signing relay: %s",
			    g_strerror(errno));
		return false;
	}
	g_free(relay->url);
	relay->url = g_strdup_printf("http://127.0.0.1:%u", port);
	return true;
}

const char *
rescue_engine_relay_url(const RescueEngineRelay *relay)
{
	return relay->url;
}

/* ---- what it says ---------------------------------------------------------------------------------- */

RescueObservation *
rescue_engine_relay_read_line(const char *line)
{
	g_autoptr(RescueJson) json = rescue_json_parse(line, strlen(line), NULL);
	const char *event = json != NULL ? rescue_json_get_string(json, "event") : NULL;
	bool waiting = g_strcmp0(event, "waiting") == 0;
	RescueObservation *observation;
	int64_t status = -1, http = 0;

	if (!waiting && g_strcmp0(event, "reply") != 0)
		return NULL;
	observation = rescue_observation_new(RESCUE_OBSERVED_SIGNING);
	observation->waiting = waiting;
	observation->failure = g_strdup(rescue_json_get_string(json, "failure"));
	observation->line = g_strdup(rescue_json_get_string(json, "message"));
	observation->ticket_sha256 = g_strdup(rescue_json_get_string(json, "ticket_sha256"));
	if (!rescue_json_get_int(json, "status", &status) || status < 0 || status > MAX_STATUS)
		status = rescue_json_get_int(json, "http", &http) && http >= 400 && http <= 599
			     ? -http
			     : -1;
	observation->signing_status = (int)status;
	return observation;
}

static void
on_line(const char *line, void *data)
{
	const RescueEngineRelay *relay = data;
	RescueObservation *observation = rescue_engine_relay_read_line(line);

	if (observation != NULL)
		rescue_inbox_post(relay->inbox, observation);
}

/* ---- its life -------------------------------------------------------------------------------------- */

static void
tell_gone(RescueEngineRelay *relay)
{
	void (*gone)(void *) = relay->gone;

	g_clear_handle_id(&relay->gone_timer, g_source_remove);
	relay->gone = NULL;
	if (gone != NULL)
		gone(relay->gone_data);
}

static void
on_exit_seen(int status, int signal, void *data)
{
	RescueEngineRelay *relay = data;

	relay->running = false;
	tell_gone(relay);
}

static gboolean
on_gone_deadline(gpointer data)
{
	RescueEngineRelay *relay = data;

	relay->gone_timer = 0;
	tell_gone(relay);
	return G_SOURCE_REMOVE;
}

void
rescue_engine_relay_when_gone(RescueEngineRelay *relay, void (*gone)(void *data), void *data)
{
	relay->gone = gone;
	relay->gone_data = data;
	if (relay->running)
		relay->gone_timer = g_timeout_add(GONE_MS, on_gone_deadline, relay);
	else
		tell_gone(relay);
}

static void
add(GPtrArray *argv, const char *option, const char *value)
{
	if (value == NULL)
		return;
	g_ptr_array_add(argv, g_strdup(option));
	g_ptr_array_add(argv, g_strdup(value));
}

static char **
make_argv(const RescueEngineRelay *relay, pid_t engine_pid, uint64_t engine_start)
{
	GPtrArray *argv = g_ptr_array_new();
	g_autofree char *fd = g_strdup_printf("%d", relay->listen_fd);
	g_autofree char *pid = g_strdup_printf("%d", (int)engine_pid);
	g_autofree char *start = g_strdup_printf("%" G_GUINT64_FORMAT, engine_start);

	g_ptr_array_add(argv, g_strdup(relay->program));
	add(argv, "--listen-fd", fd);
	add(argv, "--engine-pid", pid);
	add(argv, "--engine-start", start);
	add(argv, "--server", relay->server);
	add(argv, "--ca-file", relay->ca_file);
	g_ptr_array_add(argv, NULL);
	return (char **)g_ptr_array_free(argv, FALSE);
}

bool
rescue_engine_relay_start(RescueEngineRelay *relay, const char *log_path, pid_t engine_pid,
			  uint64_t engine_start, GError **error)
{
	g_auto(GStrv) argv = make_argv(relay, engine_pid, engine_start);
	const RescueProcessSpec spec = {
		.argv = (const char *const *)argv,
		.output_path = log_path,
		.inherit_fd = relay->listen_fd,
		.outlives_us = true,
		.on_line = on_line,
		.on_exit = on_exit_seen,
		.data = relay,
	};

	relay->process = rescue_process_start(&spec, error);
	relay->running = relay->process != NULL;
	close_socket(relay);
	return relay->running;
}

/** Who wrote a log. */
typedef struct {
	int64_t pid, start_time;
} Writer;

static void
read_writer(const char *line, void *data)
{
	Writer *writer = data;
	g_autoptr(RescueJson) json = NULL;

	if (writer->pid != 0)
		return;
	json = rescue_json_parse(line, strlen(line), NULL);
	if (json == NULL || g_strcmp0(rescue_json_get_string(json, "event"), "start") != 0 ||
	    !rescue_json_get_int(json, "start_time", &writer->start_time) ||
	    !rescue_json_get_int(json, "pid", &writer->pid))
		writer->pid = 0;
}

void
rescue_engine_relay_adopt(RescueEngineRelay *relay, const char *log_path)
{
	const RescueProcessSpec spec = {
		.output_path = log_path,
		.inherit_fd = -1,
		.outlives_us = true,
		.on_line = on_line,
		.on_exit = on_exit_seen,
		.data = relay,
	};
	Writer writer = { .pid = 0 };

	forget_process(relay);
	/* an engine without a relay has no such file */
	if (!rescue_process_read_output(log_path, read_writer, &writer, NULL))
		return;
	if (writer.pid > 0 && writer.pid <= INT32_MAX && writer.start_time > 0)
		relay->process = rescue_process_adopt(&spec, (pid_t)writer.pid,
						      (uint64_t)writer.start_time, NULL);
	relay->running = relay->process != NULL;
	if (!relay->running)
		(void)rescue_process_read_output(log_path, on_line, relay, NULL);
}
