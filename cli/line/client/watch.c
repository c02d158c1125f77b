/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/client/watch.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <glib-unix.h>

#include "cli/common/output.h"
#include "cli/line/client/ask.h"
#include "cli/line/client/screen.h"
#include "core/base/clock.h"
#include "core/line/snapshot.h"

#define REDRAW_MS    200  /* many changes are one */
#define TICK_MS      5000 /* times grow, also when nothing happens */
#define RETRY_MS     1000
#define NEWS_BYTES   4096
#define ENTER_SCREEN "\033[?1049h\033[?25l"
#define LEAVE_SCREEN "\033[?25h\033[?1049l"
#define HOME         "\033[H"
#define CLEAR_LINE   "\033[K"
#define CLEAR_BELOW  "\033[J"

typedef struct {
	const RescueCli *cli;
	const char *socket;
	bool terminal;
	GMainLoop *loop;
	GSocketConnection *news;
	GSource *heard;   /* something can be read from it */
	guint later;      /* source: look again */
	RescueJson *last; /* the station as it was shown; NULL: never */
	char *trouble;    /* why the line does not answer; NULL: it does */
} Watch;

static gboolean on_later(gpointer data);

static void
look_in(Watch *watch, unsigned ms)
{
	g_clear_handle_id(&watch->later, g_source_remove);
	watch->later = g_timeout_add(ms, on_later, watch);
}

static void
stop_listening(Watch *watch)
{
	if (watch->heard != NULL)
		g_source_destroy(watch->heard);
	g_clear_pointer(&watch->heard, g_source_unref);
	g_clear_object(&watch->news);
}

/* what it says does not matter, only that it says something: the whole is asked for then */
static gboolean
on_news(GSocket *socket, GIOCondition condition, gpointer data)
{
	Watch *watch = data;
	char buffer[NEWS_BYTES];

	if (g_socket_receive_with_blocking(socket, buffer, sizeof(buffer), FALSE, NULL, NULL) <= 0)
		stop_listening(watch);
	look_in(watch, REDRAW_MS);
	return G_SOURCE_CONTINUE;
}

static bool
listen_to(Watch *watch, GError **error)
{
	if (watch->news != NULL)
		return true;
	watch->news = rescue_line_listen(watch->socket, error);
	if (watch->news == NULL)
		return false;
	watch->heard = g_socket_create_source(g_socket_connection_get_socket(watch->news), G_IO_IN,
					      NULL);
	g_source_set_callback(watch->heard, G_SOURCE_FUNC(on_news), watch, NULL);
	(void)g_source_attach(watch->heard, NULL);
	return true;
}

/* showing */

static unsigned
from_environment(const char *name, unsigned fallback)
{
	const char *text = g_getenv(name);
	guint64 value;

	if (text == NULL || !g_ascii_string_to_unsigned(text, 10, 1, 1000, &value, NULL))
		return fallback;
	return (unsigned)value;
}

static RescueScreen
measure(void)
{
	struct winsize size = { 0 };
	bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;

	return (RescueScreen){
		.columns = known ? size.ws_col : from_environment("COLUMNS", 80),
		.rows = known && size.ws_row > 0 ? size.ws_row : from_environment("LINES", 24),
		.color = g_getenv("NO_COLOR") == NULL,
		.wall_us = rescue_clock_wall_us(rescue_clock_system()),
	};
}

/* each line over the old one, and no line end behind the last: nothing flickers and nothing scrolls */
static void
draw(const Watch *watch)
{
	RescueScreen screen = measure();
	g_autofree char *text = NULL;
	g_autofree char *trouble = NULL;
	g_auto(GStrv) lines = NULL;

	if (watch->trouble != NULL)
		trouble = rescue_screen_fit(watch->trouble, screen.columns);
	if (watch->trouble != NULL)
		screen.rows = MAX(screen.rows, 2) - 1;
	text = watch->last != NULL ? rescue_screen_draw(watch->last, &screen) : g_strdup("");
	lines = g_strsplit(text, "\n", -1);
	(void)fputs(HOME, stdout);
	if (watch->trouble != NULL)
		(void)printf("\033[7m%s\033[0m" CLEAR_LINE "%s", trouble,
			     lines[0] != NULL ? "\r\n" : "");
	for (size_t i = 0; lines[i] != NULL; i++)
		(void)printf("%s" CLEAR_LINE "%s", lines[i], lines[i + 1] != NULL ? "\r\n" : "");
	(void)fputs(CLEAR_BELOW, stdout);
	(void)fflush(stdout);
}

static void
print_change(const RescueJson *change)
{
	const RescueJson *slot = rescue_json_get(change, "slot");
	g_autofree char *time = rescue_clock_format(rescue_clock_wall_us(rescue_clock_system()));
	g_autofree char *text = NULL;

	if (slot == NULL)
		return;
	text = rescue_screen_slot(slot);
	(void)printf("%s  %s\n", time, text);
}

static void
print_changes(const Watch *watch, const RescueJson *station)
{
	g_autoptr(RescueJson) changes = NULL;

	if (watch->cli->json) {
		(void)rescue_print_json(station);
		return;
	}
	if (watch->last == NULL) {
		g_autofree char *text =
		    rescue_screen_plain(station, rescue_clock_wall_us(rescue_clock_system()));
		(void)rescue_print(text);
		return;
	}
	changes = rescue_snapshot_diff(watch->last, station);
	for (size_t i = 0; i < rescue_json_length(changes); i++)
		print_change(rescue_json_at(changes, i));
	(void)fflush(stdout);
}

/* takes the station over */
static void
show(Watch *watch, RescueJson *station)
{
	if (!watch->terminal)
		print_changes(watch, station);
	rescue_json_free(watch->last);
	watch->last = station;
	g_clear_pointer(&watch->trouble, g_free);
	if (watch->terminal)
		draw(watch);
}

static void
show_trouble(Watch *watch, const GError *error)
{
	if (!watch->terminal && g_strcmp0(watch->trouble, error->message) != 0)
		rescue_say(watch->cli, "%s", error->message);
	g_free(watch->trouble);
	watch->trouble = g_strdup(error->message);
	if (watch->terminal)
		draw(watch);
}

static gboolean
on_later(gpointer data)
{
	Watch *watch = data;
	const RescueLineRequest request = { watch->socket, "GET", "/api/v1/station", NULL };
	g_autoptr(GError) error = NULL;
	RescueJson *station = NULL;

	watch->later = 0;
	if (listen_to(watch, &error))
		station = rescue_line_ask_json(&request, &error);
	if (station != NULL)
		show(watch, station);
	else
		show_trouble(watch, error);
	look_in(watch, station == NULL ? RETRY_MS : TICK_MS);
	return G_SOURCE_REMOVE;
}

static gboolean
on_signal(gpointer data)
{
	g_main_loop_quit(((Watch *)data)->loop);
	return G_SOURCE_CONTINUE;
}

static gboolean
on_resize(gpointer data)
{
	Watch *watch = data;

	if (watch->terminal)
		draw(watch);
	return G_SOURCE_CONTINUE;
}

/* a line that is not there when we begin is a mistake, one that goes away later is not */
static bool
begin(Watch *watch, GError **error)
{
	const RescueLineRequest request = { watch->socket, "GET", "/api/v1/station", NULL };
	RescueJson *station = rescue_line_ask_json(&request, error);

	if (station == NULL)
		return false;
	if (watch->terminal)
		(void)fputs(ENTER_SCREEN, stdout);
	show(watch, station);
	look_in(watch, REDRAW_MS);
	return true;
}

static void
run(Watch *watch)
{
	guint sources[] = { g_unix_signal_add(SIGINT, on_signal, watch),
			    g_unix_signal_add(SIGTERM, on_signal, watch),
			    g_unix_signal_add(SIGHUP, on_signal, watch) };
	guint resize = g_unix_signal_add(SIGWINCH, on_resize, watch);

	g_main_loop_run(watch->loop);
	for (size_t i = 0; i < G_N_ELEMENTS(sources); i++)
		g_source_remove(sources[i]);
	g_source_remove(resize);
	if (watch->terminal)
		(void)fputs(LEAVE_SCREEN, stdout);
	(void)fflush(stdout);
}

int
rescue_line_watch(const RescueCli *cli, const char *socket)
{
	Watch watch = {
		.cli = cli,
		.socket = socket,
		.terminal = !cli->json && isatty(STDOUT_FILENO) == 1,
		.loop = g_main_loop_new(NULL, FALSE),
	};
	GError *error = NULL;
	bool begun = begin(&watch, &error);

	if (begun)
		run(&watch);
	g_clear_handle_id(&watch.later, g_source_remove);
	stop_listening(&watch);
	rescue_json_free(watch.last);
	g_free(watch.trouble);
	g_main_loop_unref(watch.loop);
	return begun ? RESCUE_EXIT_FINE : rescue_fail(cli, error);
}
