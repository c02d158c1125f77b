/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/view.h"

#include <string.h>
#include <unistd.h>

#include "cli/line/http.h"
#include "cli/line/site.h"
#include "core/base/error.h"
#include "core/base/path.h"

#define KEPT_EVENTS 1024u
#define BEAT_S      10
/* Watchers are told at most so often: people see no more, and each look at the bench costs; figures cost more. */
#define TELL_MS   50
#define FIGURE_MS 1000
#define MAX_PEM   (64u * 1024)
#define EPOCH_HEX 12
/* Children that read past jobs: two for each core would not be faster, and restores come first. */
#define MAX_READERS 4u
#define READ_MS     60000u

struct RescueLineServer {
	RescueSite site;
	char *socket, *address, *url, *cert, *key;
	char **hosts;
	RescueHttp *tcp, *local;
	RescueReaders *readers;
	unsigned beat, tell, figures; /* sources; 0: none */
	int64_t told_us, figured_us;
};

static bool
refuse(GError **error, const char *sentence)
{
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT, "%s", sentence);
	return false;
}

static bool
check_options(const RescueLineServerOptions *options, GError **error)
{
	bool tls = options->certificate != NULL && options->key != NULL;

	if ((options->certificate != NULL) != (options->key != NULL))
		return refuse(error, "certificate and key belong together: one of them is missing");
	if (options->address == NULL || rescue_address_is_loopback(options->address))
		return true;
	if (!tls)
		return refuse(error, "any address but this computer's own needs TLS: say "
				     "certificate= and key=, or listen at 127.0.0.1");
	if (options->tokens == NULL)
		return refuse(error, "any address but this computer's own needs tokens: say "
				     "tokens=, or listen at 127.0.0.1");
	return true;
}

static bool
read_pem(RescueLineServer *server, const RescueLineServerOptions *options, GError **error)
{
	if (options->certificate == NULL)
		return true;
	server->cert = rescue_path_read(options->certificate, MAX_PEM, NULL, error);
	if (server->cert == NULL)
		return false;
	server->key = rescue_path_read(options->key, MAX_PEM, NULL, error);
	return server->key != NULL;
}

static bool
listen_tcp(RescueLineServer *server, const RescueLineServerOptions *options, GError **error)
{
	bool wide = strchr(options->address, ':') != NULL;
	RescueHttpListen listen = { .cert = server->cert,
				    .key = server->key,
				    .readers = server->readers };

	listen.fd = rescue_http_listen_tcp(options->address, options->port, &server->site.port,
					   error);
	if (listen.fd < 0)
		return false;
	server->url = g_strdup_printf("%s://%s%s%s:%u/", server->cert != NULL ? "https" : "http",
				      wide ? "[" : "", options->address, wide ? "]" : "",
				      server->site.port);
	server->tcp = rescue_http_new(&server->site, &listen, error);
	return server->tcp != NULL;
}

static bool
listen_unix(RescueLineServer *server, GError **error)
{
	RescueHttpListen listen = { .local = true, .readers = server->readers };

	listen.fd = rescue_http_listen_unix(server->socket, error);
	if (listen.fd < 0) {
		g_clear_pointer(&server->socket, g_free); /* it is somebody else's */
		return false;
	}
	server->local = rescue_http_new(&server->site, &listen, error);
	return server->local != NULL;
}

static gboolean
on_beat(void *data)
{
	RescueLineServer *server = data;

	rescue_events_beat(server->site.events);
	return G_SOURCE_CONTINUE;
}

static unsigned
attach(GSource *source, GSourceFunc function, RescueLineServer *server)
{
	unsigned id;

	g_source_set_callback(source, function, server, NULL);
	id = g_source_attach(source, g_main_context_get_thread_default());
	g_source_unref(source);
	return id;
}

static void
detach(unsigned *id)
{
	GSource *source = NULL;

	if (*id != 0)
		source = g_main_context_find_source_by_id(g_main_context_get_thread_default(), *id);
	if (source != NULL)
		g_source_destroy(source);
	*id = 0;
}

/* Ids of events of this run of the daemon are like no other's. */
static char *
make_epoch(const RescueClock *clock)
{
	return g_strdup_printf("%0*" G_GINT64_MODIFIER "x%08x", EPOCH_HEX,
			       rescue_clock_wall_us(clock), g_random_int());
}

static void
set_up(RescueLineServer *server, const RescueLineServerOptions *options, const RescueLineView *view,
       void *self)
{
	const RescueClock *clock = rescue_clock_system();
	g_autofree char *epoch = make_epoch(clock);

	server->socket = g_strdup(options->socket);
	server->address = g_strdup(options->address);
	server->hosts = g_strdupv((char **)options->hosts);
	server->readers = rescue_readers_new(&(RescueReadersSpec){
	    .command = options->reader, .most = MAX_READERS, .deadline_ms = READ_MS });
	server->site = (RescueSite){
		.view = view,
		.self = self,
		.clock = clock,
		.events = rescue_events_new(epoch, KEPT_EVENTS),
		.address = server->address,
		.hosts = (const char *const *)server->hosts,
	};
}

RescueLineServer *
rescue_line_server_new(const RescueLineServerOptions *options, const RescueLineView *view,
		       void *self, GError **error)
{
	g_autoptr(RescueLineServer) server = NULL;

	if (!check_options(options, error))
		return NULL;
	server = g_new0(RescueLineServer, 1);
	set_up(server, options, view, self);
	server->site.auth = rescue_auth_new(options->tokens, error);
	if (server->site.auth == NULL || !read_pem(server, options, error))
		return NULL;
	if (options->address != NULL && !listen_tcp(server, options, error))
		return NULL;
	if (options->socket != NULL && !listen_unix(server, error))
		return NULL;
	server->beat = attach(g_timeout_source_new_seconds(BEAT_S), on_beat, server);
	return g_steal_pointer(&server);
}

void
rescue_line_server_free(RescueLineServer *server)
{
	if (server == NULL)
		return;
	detach(&server->beat);
	detach(&server->tell);
	detach(&server->figures);
	rescue_http_free(server->tcp);
	rescue_http_free(server->local);
	rescue_readers_free(server->readers);
	if (server->local != NULL)
		(void)unlink(server->socket);
	rescue_site_clear(&server->site);
	rescue_auth_free(server->site.auth);
	rescue_events_free(server->site.events);
	g_free(server->socket);
	g_free(server->address);
	g_free(server->url);
	g_free(server->cert);
	g_free(server->key);
	g_strfreev(server->hosts);
	g_free(server);
}

const char *
rescue_line_server_url(const RescueLineServer *server)
{
	return server->url;
}

static gboolean
on_tell(void *data)
{
	RescueLineServer *server = data;

	server->tell = 0;
	server->told_us = rescue_clock_monotonic_us(server->site.clock);
	(void)rescue_site_refresh_slots(&server->site);
	return G_SOURCE_REMOVE;
}

static gboolean
on_figures(void *data)
{
	RescueLineServer *server = data;

	server->figures = 0;
	server->figured_us = rescue_clock_monotonic_us(server->site.clock);
	(void)rescue_site_refresh(&server->site);
	return G_SOURCE_REMOVE;
}

/* At once when it was not done for `every_ms`, else as soon as that is over. */
static void
plan(RescueLineServer *server, unsigned *source, GSourceFunc function, int64_t last_us,
     int64_t every_ms)
{
	int64_t since_ms = (rescue_clock_monotonic_us(server->site.clock) - last_us) / 1000;
	int64_t wait_ms = CLAMP(every_ms - since_ms, 0, every_ms);

	if (*source == 0)
		*source = attach(g_timeout_source_new((unsigned)wait_ms), function, server);
}

void
rescue_line_server_touch(RescueLineServer *server)
{
	if (rescue_events_count(server->site.events) == 0)
		return;
	plan(server, &server->tell, on_tell, server->told_us, TELL_MS);
	plan(server, &server->figures, on_figures, server->figured_us, FIGURE_MS);
}

static double
age_of(const RescueLineServer *server, const RescueJson *event)
{
	const char *text = rescue_json_get_string(event, "ts");
	g_autoptr(GDateTime) time = text != NULL ? g_date_time_new_from_iso8601(text, NULL) : NULL;
	int64_t at_us;

	if (time == NULL)
		return -1;
	at_us = g_date_time_to_unix(time) * G_USEC_PER_SEC + g_date_time_get_microsecond(time);
	return (double)(rescue_clock_wall_us(server->site.clock) - at_us) / G_USEC_PER_SEC;
}

void
rescue_line_server_publish(RescueLineServer *server, const RescueJson *event)
{
	g_autofree char *text = rescue_json_dump(event);
	double age_s = age_of(server, event);

	if (age_s >= 0)
		rescue_latency_add(&server->site.latency, age_s);
	rescue_events_push(server->site.events, "job", text, true);
	rescue_line_server_touch(server);
}
