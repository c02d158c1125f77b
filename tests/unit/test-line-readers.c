/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/line/http-request.h"
#include "cli/line/readers.h"
#include "core/base/error.h"
#include "core/base/path.h"
#include "tests/line/fake-line.h"
#include "tests/unit/scratch.h"

/*
 * What past jobs are read by: children that are this very program (--child DEED PIDS FD), which answer, fail, or hang
 * until somebody ends them.
 */

#define LONG_BYTES (3u * 1024 * 1024)
#define PATIENCE_S 60

static const char *self;

/* the child */

static int
be_child(const char *deed, const char *pids, int fd)
{
	g_autofree char *path = g_strdup_printf("%s/%d", pids, (int)getpid());
	g_autofree char *text = NULL;

	g_assert_true(rescue_path_write(path, "", 0, 0600, NULL));
	if (strcmp(deed, "hang") == 0)
		(void)pause();
	if (strcmp(deed, "crash") == 0)
		(void)raise(SIGKILL);
	if (strcmp(deed, "long") == 0)
		text = g_strnfill(LONG_BYTES, 'x');
	else if (strcmp(deed, "echo") == 0)
		text = rescue_path_read("/dev/stdin", 4096, NULL, NULL);
	else if (strcmp(deed, "mute") != 0)
		text = g_strdup_printf("it is %s", deed);
	if (text != NULL)
		g_assert_cmpint(write(fd, text, strlen(text)), ==, (ssize_t)strlen(text));
	return strcmp(deed, "refused") == 0   ? RESCUE_PAST_REFUSED
	       : strcmp(deed, "missing") == 0 ? RESCUE_PAST_MISSING
	       : strcmp(deed, "odd") == 0     ? 77
	       : strcmp(deed, "mute") == 0    ? RESCUE_PAST_FAILED
					      : RESCUE_PAST_READ;
}

/* the world */

typedef struct {
	char *dir, *pids;
	RescueReaders *readers;
	unsigned told;
	RescuePastEnd end;
	char *sentence, *text;
	size_t size;
} World;

static void
set_up(World *w, const char *deed, unsigned most, unsigned deadline_ms)
{
	const char *command[] = { self, "--child", deed, NULL, NULL };

	*w = (World){ .dir = g_dir_make_tmp("readers-XXXXXX", NULL) };
	w->pids = g_build_filename(w->dir, "pids", NULL);
	g_assert_cmpint(g_mkdir(w->pids, 0700), ==, 0);
	command[3] = w->pids;
	w->readers = rescue_readers_new(
	    &(RescueReadersSpec){ .command = command, .most = most, .deadline_ms = deadline_ms });
}

static void
world_clear(World *w)
{
	rescue_readers_free(w->readers);
	remove_tree(w->dir);
	g_free(w->dir);
	g_free(w->pids);
	g_free(w->sentence);
	g_free(w->text);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(World, world_clear)

static void
on_read(const RescueRead *read, void *data)
{
	World *w = data;

	w->told++;
	w->end = read->end;
	w->size = read->size;
	g_free(w->sentence);
	w->sentence = g_strdup(read->sentence);
	if (read->fd < 0)
		return;
	w->text = g_malloc0(read->size + 1);
	g_assert_cmpint(pread(read->fd, w->text, read->size, 0), ==, (ssize_t)read->size);
	(void)close(read->fd);
}

static gboolean
on_patience(void *data)
{
	g_test_message("waited for %s", (const char *)data);
	g_assert_not_reached();
	return G_SOURCE_REMOVE;
}

/* the loop runs until this is so */
#define UNTIL(condition)                                                         \
	do {                                                                     \
		guint patience_ = g_timeout_add_seconds(PATIENCE_S, on_patience, \
							(void *)#condition);     \
		while (!(condition))                                             \
			(void)g_main_context_iteration(NULL, TRUE);              \
		g_source_remove(patience_);                                      \
	} while (0)

/* How many children there were, and how many of them live. */
static unsigned
count_children(const char *pids, bool living)
{
	g_autoptr(GDir) dir = g_dir_open(pids, 0, NULL);
	unsigned n = 0;
	const char *name;

	while ((name = g_dir_read_name(dir)) != NULL) {
		pid_t pid = (pid_t)g_ascii_strtoll(name, NULL, 10);
		n += strspn(name, G_CSET_DIGITS) == strlen(name) && (!living || kill(pid, 0) == 0);
	}
	return n;
}

static gboolean
on_tick(void *data)
{
	return G_SOURCE_CONTINUE;
}

/* what no event tells is looked at */
static guint
tick(void)
{
	return g_timeout_add(5, on_tick, NULL);
}

static void
test_what_is_asked_comes_back_as_it_was(void)
{
	const RescuePast rows[] = {
		{ .kind = RESCUE_PAST_HISTORY, .query = { "0x1", "--help", 20 } },
		{ .kind = RESCUE_PAST_HISTORY, .query.limit = 500 },
		{ .kind = RESCUE_PAST_RECORD, .job = "20261122T100000-0001" },
		{ .kind = RESCUE_PAST_REPORT, .span = { 1, INT64_C(1763800000000000), true } },
		{ .kind = RESCUE_PAST_REPORT, .span = { -5, 5, false } },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text = rescue_past_write(&rows[i]);
		g_autoptr(RescueJson) json = rescue_json_parse(text, strlen(text), NULL);
		RescuePast past;
		g_assert_true(rescue_past_parse(json, &past, NULL));
		g_assert_cmpint(past.kind, ==, rows[i].kind);
		g_assert_cmpstr(past.query.ecid, ==, rows[i].query.ecid);
		g_assert_cmpstr(past.query.before, ==, rows[i].query.before);
		g_assert_cmpuint(past.query.limit, ==, rows[i].query.limit);
		g_assert_cmpstr(past.job, ==, rows[i].job);
		g_assert_cmpint(past.span.from_us, ==, rows[i].span.from_us);
		g_assert_cmpint(past.span.to_us, ==, rows[i].span.to_us);
		g_assert_cmpint(past.span.csv, ==, rows[i].span.csv);
	}
}

static void
test_what_nobody_asks_is_refused(void)
{
	static const char *const rows[] = {
		"{}",
		"[]",
		"{\"read\":\"all\"}",
		"{\"read\":7}",
		"{\"read\":\"history\"}",
		"{\"read\":\"history\",\"limit\":0}",
		"{\"read\":\"history\",\"limit\":-1}",
		"{\"read\":\"history\",\"limit\":4294967296}",
		"{\"read\":\"record\"}",
		"{\"read\":\"record\",\"job\":1}",
		"{\"read\":\"report\",\"from_us\":1}",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(RescueJson) json = rescue_json_parse(rows[i], strlen(rows[i]), NULL);
		g_autoptr(GError) error = NULL;
		RescuePast past;
		g_test_message("%s", rows[i]);
		g_assert_false(rescue_past_parse(json, &past, &error));
		g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT);
	}
}

static void
test_each_end_has_its_status_and_sentence(void)
{
	static const struct {
		const char *deed;
		RescuePastEnd end;
		unsigned status;
		const char *sentence;
	} rows[] = {
		{ "refused", RESCUE_PAST_REFUSED, 400, "it is refused" },
		{ "missing", RESCUE_PAST_MISSING, 404, "it is missing" },
		{ "odd", RESCUE_PAST_FAILED, 503, "it is odd" },
		{ "mute", RESCUE_PAST_FAILED, 503, "status 1, signal 0" },
		{ "crash", RESCUE_PAST_FAILED, 503, "signal 9" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(World) w = { 0 };
		g_auto(RescueHttpAnswer) answer = { .past = g_strdup("{}") };
		g_autoptr(RescueReading) reading = NULL;
		set_up(&w, rows[i].deed, 1, G_MAXINT);
		reading = rescue_reading_new(w.readers, "{}", on_read, &w, NULL);
		g_assert_nonnull(reading);
		UNTIL(w.told != 0);
		g_assert_cmpint(w.end, ==, rows[i].end);
		g_assert_nonnull(strstr(w.sentence, rows[i].sentence));
		rescue_http_answer_past(&answer, &(RescueRead){ .end = w.end,
								.fd = -1,
								.sentence = w.sentence });
		g_assert_cmpuint(answer.status, ==, rows[i].status);
		g_assert_null(answer.past);
		g_assert_nonnull(strstr(answer.body, rows[i].sentence));
	}
}

static void
test_the_child_is_told_what_to_read(void)
{
	g_auto(World) w = { 0 };
	g_autoptr(RescueReading) reading = NULL;

	set_up(&w, "echo", 1, G_MAXINT);
	reading = rescue_reading_new(w.readers, "{\"read\":\"record\"}", on_read, &w, NULL);
	UNTIL(w.told != 0);
	g_assert_cmpint(w.end, ==, RESCUE_PAST_READ);
	g_assert_cmpstr(w.text, ==, "{\"read\":\"record\"}");
}

/* one line of megabytes, which a pipe of lines would cut */
static void
test_a_long_answer_comes_whole(void)
{
	g_auto(World) w = { 0 };
	g_autoptr(RescueReading) reading = NULL;

	set_up(&w, "long", 1, G_MAXINT);
	reading = rescue_reading_new(w.readers, "{}", on_read, &w, NULL);
	UNTIL(w.told != 0);
	g_assert_cmpuint(w.size, ==, LONG_BYTES);
	g_assert_cmpuint(strspn(w.text, "x"), ==, LONG_BYTES);
}

static void
test_one_that_hangs_is_ended_and_its_place_is_free_again(void)
{
	g_auto(World) w = { 0 };
	g_autoptr(GError) error = NULL;
	RescueReading *first, *second;
	guint ticking = tick();

	set_up(&w, "hang", 1, 1);
	first = rescue_reading_new(w.readers, "{}", on_read, &w, NULL);
	g_assert_nonnull(first);
	g_assert_null(rescue_reading_new(w.readers, "{}", on_read, &w, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY);
	UNTIL(w.told != 0);
	g_assert_cmpint(w.end, ==, RESCUE_PAST_LATE);
	rescue_reading_free(first);
	UNTIL((second = rescue_reading_new(w.readers, "{}", on_read, &w, NULL)) != NULL);
	UNTIL(w.told == 2);
	rescue_reading_free(second);
	g_source_remove(ticking);
}

static void
test_one_that_nobody_waits_for_is_ended(void)
{
	g_auto(World) w = { 0 };
	RescueReading *reading;
	guint ticking = tick();

	set_up(&w, "hang", 1, G_MAXINT);
	reading = rescue_reading_new(w.readers, "{}", on_read, &w, NULL);
	UNTIL(count_children(w.pids, true) == 1);
	rescue_reading_free(reading);
	UNTIL(count_children(w.pids, true) == 0);
	g_assert_cmpuint(w.told, ==, 0);
	g_source_remove(ticking);
}

static void
test_what_cannot_be_started_says_so(void)
{
	static const char *const command[] = { "/nowhere/reader", NULL };
	g_autoptr(RescueReaders) readers = rescue_readers_new(
	    &(RescueReadersSpec){ .command = command, .most = 1, .deadline_ms = 1 });
	g_autoptr(GError) error = NULL;

	g_assert_null(rescue_reading_new(readers, "{}", on_read, NULL, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO);
	g_clear_error(&error);
	g_assert_null(rescue_reading_new(readers, "{}", on_read, NULL, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO); /* and not BUSY */
}

/* the server over them */

typedef struct {
	World w;
	char *socket;
	FakeLine *line;
	RescueLineServer *server;
} Served;

static void
serve(Served *s, const char *deed)
{
	const char *command[] = { self, "--child", deed, NULL, NULL };
	RescueLineServerOptions options = { .reader = command };

	set_up(&s->w, deed, 1, 1);
	command[3] = s->w.pids;
	s->socket = g_build_filename(s->w.dir, "socket", NULL);
	options.socket = s->socket;
	s->line = fake_line_new(1, 2);
	s->server = rescue_line_server_new(&options, &fake_line_view, s->line, NULL);
	g_assert_nonnull(s->server);
}

static void
served_clear(Served *s)
{
	rescue_line_server_free(s->server);
	fake_line_free(s->line);
	g_free(s->socket);
	world_clear(&s->w);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Served, served_clear)

static int
ask(const Served *s, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	g_autofree char *text =
	    g_strdup_printf("GET %s HTTP/1.1\r\nHost: line\r\nConnection: close\r\n\r\n", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)g_strlcpy(address.sun_path, s->socket, sizeof address.sun_path);
	g_assert_cmpint(connect(fd, (const struct sockaddr *)&address, sizeof address), ==, 0);
	g_assert_cmpint(write(fd, text, strlen(text)), ==, (ssize_t)strlen(text));
	return fd;
}

/* What the server says until it closes; closes `fd`, caller frees. */
static char *
hear(int fd)
{
	GString *text = g_string_new(NULL);
	guint ticking = tick();
	char part[65536];
	ssize_t n = -1;

	while (n != 0) {
		n = recv(fd, part, sizeof part, MSG_DONTWAIT);
		g_assert_true(n >= 0 || errno == EAGAIN);
		if (n > 0)
			g_string_append_len(text, part, n);
		else if (n < 0)
			(void)g_main_context_iteration(NULL, TRUE);
	}
	g_source_remove(ticking);
	(void)close(fd);
	return g_string_free(text, FALSE);
}

#define REPORT "/api/v1/report?format=csv"

static void
assert_says(const Served *s, int fd, const char *first, const char *second)
{
	g_autofree char *text = hear(fd);

	g_test_message("%.300s", text);
	g_assert_nonnull(strstr(text, first));
	g_assert_nonnull(strstr(text, second));
}

static void
test_a_report_is_what_the_child_says(void)
{
	g_auto(Served) s = { 0 };
	g_autofree char *text = NULL;

	serve(&s, "long");
	text = hear(ask(&s, REPORT));
	g_assert_true(g_str_has_prefix(text, "HTTP/1.1 200 OK\r\n"));
	g_assert_nonnull(strstr(text, "Content-Disposition: attachment; filename=\"restores-"));
	g_assert_cmpuint(strlen(strstr(text, "\r\n\r\n") + 4), ==, LONG_BYTES);
}

static void
test_what_the_child_cannot_is_told(void)
{
	g_auto(Served) s = { 0 };

	serve(&s, "missing");
	assert_says(&s, ask(&s, "/api/v1/jobs/20261122T100000-0001"), "HTTP/1.1 404 ",
		    "it is missing");
}

static void
test_who_waits_for_a_child_holds_up_nobody(void)
{
	g_auto(Served) s = { 0 };
	guint ticking = tick();
	int waiting[4];

	serve(&s, "hang");
	for (size_t i = 0; i < G_N_ELEMENTS(waiting); i++)
		waiting[i] = ask(&s, REPORT);
	UNTIL(count_children(s.w.pids, false) == G_N_ELEMENTS(waiting));
	assert_says(&s, ask(&s, "/healthz"), "HTTP/1.1 200 ", "ok\n");
	assert_says(&s, ask(&s, REPORT), "HTTP/1.1 503 ", "Retry-After: 1\r\n");
	for (size_t i = 0; i < G_N_ELEMENTS(waiting); i++)
		(void)close(waiting[i]);
	g_source_remove(ticking);
}

/* The connection of who asked, once its child runs; caller closes. */
static int
ask_a_reader_that_hangs(Served *s)
{
	int waiting;

	serve(s, "hang");
	waiting = ask(s, REPORT);
	UNTIL(count_children(s->w.pids, true) == 1);
	return waiting;
}

static void
test_a_client_that_goes_away_takes_its_child_along(void)
{
	g_auto(Served) s = { 0 };
	guint ticking = tick();
	int waiting;

	waiting = ask_a_reader_that_hangs(&s);
	(void)close(waiting);
	UNTIL(count_children(s.w.pids, true) == 0);
	assert_says(&s, ask(&s, "/healthz"), "HTTP/1.1 200 ", "ok\n");
	g_source_remove(ticking);
}

static void
test_a_server_that_stops_leaves_no_child(void)
{
	g_auto(Served) s = { 0 };
	guint ticking = tick();
	int waiting;

	waiting = ask_a_reader_that_hangs(&s);
	g_clear_pointer(&s.server, rescue_line_server_free);
	UNTIL(count_children(s.w.pids, true) == 0);
	assert_says(&s, waiting, "HTTP/1.1 503 ", "the line is stopping");
	g_source_remove(ticking);
}

int
main(int argc, char **argv)
{
	self = argv[0];
	if (argc == 5 && strcmp(argv[1], "--child") == 0)
		return be_child(argv[2], argv[3], (int)g_ascii_strtoll(argv[4], NULL, 10));
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/line-readers/asked", test_what_is_asked_comes_back_as_it_was);
	g_test_add_func("/line-readers/not-asked", test_what_nobody_asks_is_refused);
	g_test_add_func("/line-readers/ends", test_each_end_has_its_status_and_sentence);
	g_test_add_func("/line-readers/told", test_the_child_is_told_what_to_read);
	g_test_add_func("/line-readers/long", test_a_long_answer_comes_whole);
	g_test_add_func("/line-readers/late",
			test_one_that_hangs_is_ended_and_its_place_is_free_again);
	g_test_add_func("/line-readers/left", test_one_that_nobody_waits_for_is_ended);
	g_test_add_func("/line-readers/no-program", test_what_cannot_be_started_says_so);
	g_test_add_func("/line-readers/report", test_a_report_is_what_the_child_says);
	g_test_add_func("/line-readers/missing", test_what_the_child_cannot_is_told);
	g_test_add_func("/line-readers/nobody-waits", test_who_waits_for_a_child_holds_up_nobody);
	g_test_add_func("/line-readers/client-gone",
			test_a_client_that_goes_away_takes_its_child_along);
	g_test_add_func("/line-readers/stop", test_a_server_that_stops_leaves_no_child);
	return g_test_run();
}
