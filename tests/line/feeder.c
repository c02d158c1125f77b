/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/parse.h"
#include "core/base/path.h"
#include "tests/line/fake-line.h"

/*
 * idevicerescue-lab-dashboard [--rows N] [--columns N] [--past N] [--crowd] [--port N] [--socket PATH] [--tokens FILE]
 *                        [--certificate FILE --key FILE] [--address A]
 * Serves a line that does what stdin says, one command in a line:
 *   plug LABEL PRODUCT [find-my] · unplug LABEL · start LABEL · tell LABEL JSON · act · quit
 * stdout: the address, then a line "ok" for each command ("act": what an operator did last).
 */

typedef struct {
	FakeLine *line;
	GMainLoop *loop;
} Feeder;

static void
say(const char *text)
{
	g_print("%s\n", text);
	(void)fflush(stdout);
}

static void
obey(Feeder *feeder, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", 3);
	unsigned n = g_strv_length(words);

	if (n == 3 && strcmp(words[0], "plug") == 0) {
		g_auto(GStrv) rest = g_strsplit(words[2], " ", 2);
		fake_line_plug(feeder->line, words[1], rest[0],
			       rest[1] != NULL ? RESCUE_ANSWER_ON : RESCUE_ANSWER_OFF);
	} else if (n == 2 && strcmp(words[0], "unplug") == 0) {
		fake_line_unplug(feeder->line, words[1]);
	} else if (n == 2 && strcmp(words[0], "start") == 0) {
		fake_line_start(feeder->line, words[1]);
	} else if (n == 3 && strcmp(words[0], "tell") == 0) {
		fake_line_tell(feeder->line, words[1], words[2]);
	} else if (n == 1 && strcmp(words[0], "act") == 0) {
		say(fake_line_last_act(feeder->line));
		return;
	} else {
		say("what?");
		return;
	}
	say("ok");
}

static gboolean
on_stdin(GIOChannel *channel, GIOCondition condition, void *data)
{
	Feeder *feeder = data;
	g_autofree char *text = NULL;
	GIOStatus status = g_io_channel_read_line(channel, &text, NULL, NULL, NULL);

	if (status == G_IO_STATUS_AGAIN)
		return G_SOURCE_CONTINUE;
	if (status != G_IO_STATUS_NORMAL || strcmp(g_strchomp(text), "quit") == 0) {
		g_main_loop_quit(feeder->loop);
		return G_SOURCE_REMOVE;
	}
	obey(feeder, text);
	return G_SOURCE_CONTINUE;
}

static gboolean
on_signal(void *data)
{
	g_main_loop_quit(data);
	return G_SOURCE_CONTINUE;
}

static void
serve(FakeLine *line, RescueLineServer *server)
{
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	g_autoptr(GIOChannel) channel = g_io_channel_unix_new(0);
	Feeder feeder = { line, loop };

	fake_line_set_server(line, server);
	say(rescue_line_server_url(server));
	(void)g_io_add_watch(channel, G_IO_IN | G_IO_HUP, on_stdin, &feeder);
	(void)g_unix_signal_add(SIGTERM, on_signal, loop);
	(void)g_unix_signal_add(SIGINT, on_signal, loop);
	g_main_loop_run(loop);
}

/* A child of it: --reader PAST FD. */
static int
read_past(const char *past, const char *fd)
{
	g_autofree char *wanted = rescue_path_read("/dev/stdin", 4096, NULL, NULL);
	g_autofree char *text = wanted != NULL
				    ? fake_line_read((unsigned)g_ascii_strtoull(past, NULL, 10),
						     wanted)
				    : NULL;
	int to = (int)g_ascii_strtoll(fd, NULL, 10);

	if (text == NULL)
		return RESCUE_PAST_MISSING;
	return write(to, text, strlen(text)) == (ssize_t)strlen(text) ? RESCUE_PAST_READ
								      : RESCUE_PAST_FAILED;
}

int
main(int argc, char **argv)
{
	g_autofree char *many = NULL;
	const char *reader[] = { argv[0], "--reader", NULL, NULL };
	int rows = 4, columns = 16, past = 0, port = 0;
	gboolean crowd = FALSE;
	g_autofree char *address = NULL, *unix_socket = NULL, *tokens = NULL;
	g_autofree char *certificate = NULL, *key = NULL;
	const GOptionEntry entries[] = {
		{ "rows", 0, 0, G_OPTION_ARG_INT, &rows, NULL, NULL },
		{ "columns", 0, 0, G_OPTION_ARG_INT, &columns, NULL, NULL },
		{ "past", 0, 0, G_OPTION_ARG_INT, &past, NULL, NULL },
		{ "crowd", 0, 0, G_OPTION_ARG_NONE, &crowd, NULL, NULL },
		{ "port", 0, 0, G_OPTION_ARG_INT, &port, NULL, NULL },
		{ "address", 0, 0, G_OPTION_ARG_STRING, &address, NULL, NULL },
		{ "socket", 0, 0, G_OPTION_ARG_FILENAME, &unix_socket, NULL, NULL },
		{ "tokens", 0, 0, G_OPTION_ARG_FILENAME, &tokens, NULL, NULL },
		{ "certificate", 0, 0, G_OPTION_ARG_FILENAME, &certificate, NULL, NULL },
		{ "key", 0, 0, G_OPTION_ARG_FILENAME, &key, NULL, NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(FakeLine) line = NULL;
	g_autoptr(RescueLineServer) server = NULL;
	g_autoptr(GError) error = NULL;
	RescueLineServerOptions options = { 0 };

	if (argc == 4 && strcmp(argv[1], "--reader") == 0)
		return read_past(argv[2], argv[3]);
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error)) {
		g_printerr("%s\n", error->message);
		return 2;
	}
	line = fake_line_new((unsigned)rows, (unsigned)columns);
	many = g_strdup_printf("%d", past);
	reader[2] = many;
	if (crowd)
		fake_line_crowd(line);
	options.address = address != NULL ? address : "127.0.0.1";
	options.port = (unsigned)port;
	options.socket = unix_socket;
	options.tokens = tokens;
	options.certificate = certificate;
	options.key = key;
	options.reader = reader;
	server = rescue_line_server_new(&options, &fake_line_view, line, &error);
	if (server == NULL) {
		g_printerr("%s\n", error->message);
		return 3;
	}
	serve(line, server);
	return 0;
}
