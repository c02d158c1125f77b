/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib-unix.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/line/client/ask.h"
#include "core/process/lines.h"
#include "core/process/notify.h"
#include "core/store/journal.h"

/*
 * idevicerescue-lab-line-way STATE: how long an event of a line is on its way, by its own time: until it can be read in
 * the journal of its job, and until the dashboard is told the slot that follows from it. Prints it at SIGTERM. A
 * process of its own, before all others where it may: what it has to wait for is not the line's.
 */

enum {
	LOOK_MS = 100, /* for the daemon's socket */
	MAX_LINE = 1024 * 1024,
	URGENT = -15, /* as in nice(2) */
	EXIT_USAGE = 2,
};
#define P50 0.5
#define P99 0.99

/* What watchers know of a phone, and a step of it that began and that they have not been told yet. */
typedef struct {
	char *told, *phase;
	int64_t ts_us; /* 0: nothing is waited for */
} Phone;

typedef struct {
	const char *state;
	GHashTable *tails;            /* job to Tail */
	GHashTable *phones;           /* ECID to Phone */
	GArray *journal_ms, *page_ms; /* double */
	guint stream;
	GSocketConnection *connection;
	RescueLines lines;
	char *event; /* of the stream */
	bool urgent, ended;
} Way;

typedef struct {
	RescueJournalTail *tail;
	RescueNotify *news;
	Way *way;
} Tail;

/* ---- the way of an event ------------------------------------------------------------------------ */

static double
age_ms(const RescueJson *event)
{
	const char *text = rescue_json_get_string(event, "ts");
	g_autoptr(GDateTime) time = text != NULL ? g_date_time_new_from_iso8601(text, NULL) : NULL;
	if (time == NULL)
		return 0;
	int64_t ts_us = g_date_time_to_unix(time) * G_USEC_PER_SEC +
			g_date_time_get_microsecond(time);
	return (double)(g_get_real_time() - ts_us) / 1000;
}

static void
on_journal(const char *name, void *data)
{
	const Tail *tail = data;
	g_autoptr(GPtrArray) events = rescue_journal_tail_read(tail->tail);
	for (unsigned i = 0; i < events->len; i++) {
		double age = age_ms(events->pdata[i]);
		g_array_append_val(tail->way->journal_ms, age);
	}
}

static void
free_tail(void *data)
{
	Tail *tail = data;
	rescue_notify_free(tail->news);
	rescue_journal_tail_free(tail->tail);
	g_free(tail);
}

/* From its second line on: where the first one came it was not known yet. */
static void
follow(Way *way, const char *job)
{
	g_autofree char *path = rescue_journal_path(way->state, job, NULL);
	if (path == NULL || g_hash_table_contains(way->tails, job) ||
	    !g_file_test(path, G_FILE_TEST_EXISTS))
		return;
	Tail *tail = g_new0(Tail, 1);
	tail->way = way;
	tail->tail = rescue_journal_tail_new(path);
	g_ptr_array_unref(rescue_journal_tail_read(tail->tail));
	tail->news = rescue_notify_new(path, IN_MODIFY, on_journal, tail);
	g_hash_table_insert(way->tails, g_strdup(job), tail);
}

static void
free_phone(void *data)
{
	Phone *phone = data;
	g_free(phone->told);
	g_free(phone->phase);
	g_free(phone);
}

static Phone *
find_phone(Way *way, const RescueJson *json)
{
	const char *ecid = rescue_json_get_string(json, "ecid");
	Phone *phone = ecid != NULL ? g_hash_table_lookup(way->phones, ecid) : NULL;
	if (phone == NULL && ecid != NULL) {
		phone = g_new0(Phone, 1);
		g_hash_table_insert(way->phones, g_strdup(ecid), phone);
	}
	return phone;
}

/* A step that is shown already changes nothing on the screen. */
static void
take_job_event(Way *way, const RescueJson *event)
{
	const char *phase = rescue_json_get_string(event, "phase");
	const char *job = rescue_json_get_string(event, "job");
	Phone *phone = find_phone(way, event);
	if (job != NULL)
		follow(way, job);
	if (phone == NULL || phase == NULL ||
	    g_strcmp0(rescue_json_get_string(event, "event"), "step") != 0 ||
	    g_strcmp0(rescue_json_get_string(event, "state"), "begin") != 0)
		return;
	phone->ts_us = 0;
	if (g_strcmp0(phone->told, phase) == 0)
		return;
	g_free(phone->phase);
	phone->phase = g_strdup(phase);
	phone->ts_us = g_get_real_time() - (int64_t)(age_ms(event) * 1000);
}

static void
take_slot(Way *way, const RescueJson *slot)
{
	Phone *phone = find_phone(way, slot);
	const char *phase = rescue_json_get_string(slot, "phase");
	if (phone == NULL)
		return;
	g_free(phone->told);
	phone->told = g_strdup(phase);
	if (phone->ts_us == 0 || g_strcmp0(phase, phone->phase) != 0)
		return;
	double age = (double)(g_get_real_time() - phone->ts_us) / 1000;
	g_array_append_val(way->page_ms, age);
	phone->ts_us = 0;
}

static void
on_stream_line(const char *line, void *data)
{
	Way *way = data;
	if (g_str_has_prefix(line, "event: ")) {
		g_free(way->event);
		way->event = g_strdup(line + strlen("event: "));
	}
	if (!g_str_has_prefix(line, "data: "))
		return;
	const char *text = line + strlen("data: ");
	g_autoptr(RescueJson) json = rescue_json_parse(text, strlen(text), NULL);
	if (json == NULL)
		return;
	if (g_strcmp0(way->event, "job") == 0)
		take_job_event(way, json);
	else if (g_strcmp0(way->event, "slot") == 0)
		take_slot(way, json);
}

static gboolean
on_stream(gint fd, GIOCondition condition, gpointer data)
{
	Way *way = data;
	char buffer[65536];
	ssize_t got = read(fd, buffer, sizeof buffer);
	if (got <= 0) {
		way->stream = 0;
		return G_SOURCE_REMOVE;
	}
	rescue_lines_feed(&way->lines, buffer, (size_t)got, on_stream_line, way);
	return G_SOURCE_CONTINUE;
}

static gboolean
on_look(void *data)
{
	Way *way = data;
	static const char request[] =
	    "GET /api/v1/events?jobs=1 HTTP/1.0\r\nHost: localhost\r\n\r\n";
	g_autofree char *path = rescue_line_socket(way->state);
	g_autoptr(GSocketClient) client = g_socket_client_new();
	g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
	way->connection = g_socket_client_connect(client, G_SOCKET_CONNECTABLE(address), NULL,
						  NULL);
	if (way->connection == NULL)
		return G_SOURCE_CONTINUE;
	GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(way->connection));
	(void)g_output_stream_write_all(out, request, strlen(request), NULL, NULL, NULL);
	int fd = g_socket_get_fd(g_socket_connection_get_socket(way->connection));
	way->stream = g_unix_fd_add(fd, G_IO_IN, on_stream, way);
	return G_SOURCE_REMOVE;
}

/* ---- all of it ---------------------------------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
	double first = *(const double *)a, second = *(const double *)b;
	return (first > second) - (first < second);
}

static double
percentile(GArray *values, double share)
{
	if (values->len == 0)
		return NAN;
	g_array_sort(values, compare);
	return g_array_index(values, double, (unsigned)(share * (values->len - 1)));
}

static void
tell(const Way *way)
{
	printf("event to journal p50 %.1f p99 %.1f ms of %u; event to dashboard p50 %.0f p99 %.0f "
	       "ms of %u%s\n",
	       percentile(way->journal_ms, P50), percentile(way->journal_ms, P99),
	       way->journal_ms->len, percentile(way->page_ms, P50), percentile(way->page_ms, P99),
	       way->page_ms->len,
	       way->urgent ? "" : " (with the waiting of who measured: it may not come first)");
}

static gboolean
on_signal(gint fd, GIOCondition condition, gpointer data)
{
	Way *way = data;
	way->ended = true;
	return G_SOURCE_REMOVE;
}

static int
watch_signals(void)
{
	sigset_t wanted;
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	(void)pthread_sigmask(SIG_BLOCK, &wanted, NULL);
	return signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void
clear(Way *way)
{
	if (way->connection != NULL) {
		g_clear_handle_id(&way->stream, g_source_remove);
		g_object_unref(way->connection);
	}
	rescue_lines_clear(&way->lines);
	g_hash_table_unref(way->tails);
	g_hash_table_unref(way->phones);
	g_array_unref(way->journal_ms);
	g_array_unref(way->page_ms);
	g_free(way->event);
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: idevicerescue-lab-line-way STATE\n");
		return EXIT_USAGE;
	}
	Way way = {
		.state = argv[1],
		.tails = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_tail),
		.phones = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_phone),
		.journal_ms = g_array_new(FALSE, FALSE, sizeof(double)),
		.page_ms = g_array_new(FALSE, FALSE, sizeof(double)),
		.urgent = setpriority(PRIO_PROCESS, 0, URGENT) == 0,
	};
	rescue_lines_init(&way.lines, MAX_LINE);
	(void)g_timeout_add(LOOK_MS, on_look, &way);
	(void)g_unix_fd_add(watch_signals(), G_IO_IN, on_signal, &way);
	while (!way.ended)
		g_main_context_iteration(NULL, TRUE);
	tell(&way);
	clear(&way);
	return 0;
}
