/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib-unix.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "cli/line/client/ask.h"
#include "core/process/lines.h"
#include "tests/system/line/line.h"

/*
 * What a line takes: processor time and memory of the daemon and its jobs, and how long an event is on its way, by its
 * own time: until it can be read in the journal of its job, and until the dashboard is told the slot that follows
 * from it.
 */

enum {
	SAMPLE_MS = 500,
	WEIGH_EVERY =
	    40, /* samples: to ask for memory takes the kernel milliseconds for each process */
	MAX_LINE = 1024 * 1024,
	KB_PER_MB = 1024,
};

/* A step that began, and that the dashboard has not been told yet. */
typedef struct {
	char *phase;
	int64_t ts_us;
} Pending;

typedef struct {
	RescueJournalTail *tail;
	RescueNotify *news;
	LineFigures *figures;
} Tail;

struct LineFigures {
	Line *line;
	GHashTable *tails;            /* job to Tail */
	GHashTable *pending;          /* ECID to Pending */
	GArray *journal_ms, *page_ms; /* double */
	guint sample, stream;
	GSocketConnection *connection;
	RescueLines lines;
	char *event; /* of the stream */
	double running_s, peak_mb, peak_job_mb;
	unsigned samples, jobs; /* that run now */
	int64_t begun_us, sampled_us;
};

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
		g_array_append_val(tail->figures->journal_ms, age);
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
follow(LineFigures *figures, const char *job)
{
	g_autofree char *path = rescue_journal_path(figures->line->state, job, NULL);
	if (path == NULL || g_hash_table_contains(figures->tails, job) ||
	    !g_file_test(path, G_FILE_TEST_EXISTS))
		return;
	Tail *tail = g_new0(Tail, 1);
	tail->figures = figures;
	tail->tail = rescue_journal_tail_new(path);
	g_ptr_array_unref(rescue_journal_tail_read(tail->tail));
	tail->news = rescue_notify_new(path, IN_MODIFY, on_journal, tail);
	g_hash_table_insert(figures->tails, g_strdup(job), tail);
}

static void
free_pending(void *data)
{
	Pending *pending = data;
	g_free(pending->phase);
	g_free(pending);
}

static void
take_job_event(LineFigures *figures, const RescueJson *event)
{
	const char *ecid = rescue_json_get_string(event, "ecid");
	const char *phase = rescue_json_get_string(event, "phase");
	const char *job = rescue_json_get_string(event, "job");
	if (job != NULL)
		follow(figures, job);
	if (ecid == NULL || phase == NULL ||
	    g_strcmp0(rescue_json_get_string(event, "event"), "step") != 0 ||
	    g_strcmp0(rescue_json_get_string(event, "state"), "begin") != 0)
		return;
	Pending *pending = g_new(Pending, 1);
	*pending = (Pending){ g_strdup(phase),
			      g_get_real_time() - (int64_t)(age_ms(event) * 1000) };
	g_hash_table_replace(figures->pending, g_strdup(ecid), pending);
}

static void
take_slot(LineFigures *figures, const RescueJson *slot)
{
	const char *ecid = rescue_json_get_string(slot, "ecid");
	const Pending *pending = ecid != NULL ? g_hash_table_lookup(figures->pending, ecid) : NULL;
	if (pending == NULL ||
	    g_strcmp0(rescue_json_get_string(slot, "phase"), pending->phase) != 0)
		return;
	double age = (double)(g_get_real_time() - pending->ts_us) / 1000;
	g_array_append_val(figures->page_ms, age);
	(void)g_hash_table_remove(figures->pending, ecid);
}

static void
on_stream_line(const char *line, void *data)
{
	LineFigures *figures = data;
	if (g_str_has_prefix(line, "event: ")) {
		g_free(figures->event);
		figures->event = g_strdup(line + strlen("event: "));
	}
	if (!g_str_has_prefix(line, "data: "))
		return;
	const char *text = line + strlen("data: ");
	g_autoptr(RescueJson) json = rescue_json_parse(text, strlen(text), NULL);
	if (json == NULL)
		return;
	if (g_strcmp0(figures->event, "job") == 0)
		take_job_event(figures, json);
	else if (g_strcmp0(figures->event, "slot") == 0)
		take_slot(figures, json);
}

static gboolean
on_stream(gint fd, GIOCondition condition, gpointer data)
{
	LineFigures *figures = data;
	char buffer[65536];
	ssize_t got = read(fd, buffer, sizeof buffer);
	if (got <= 0)
		return G_SOURCE_REMOVE;
	rescue_lines_feed(&figures->lines, buffer, (size_t)got, on_stream_line, figures);
	return G_SOURCE_CONTINUE;
}

static gboolean
connect_stream(LineFigures *figures)
{
	static const char request[] =
	    "GET /api/v1/events?jobs=1 HTTP/1.0\r\nHost: localhost\r\n\r\n";
	g_autofree char *path = rescue_line_socket(figures->line->state);
	g_autoptr(GSocketClient) client = g_socket_client_new();
	g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
	figures->connection = g_socket_client_connect(client, G_SOCKET_CONNECTABLE(address), NULL,
						      NULL);
	if (figures->connection == NULL)
		return FALSE;
	GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(figures->connection));
	(void)g_output_stream_write_all(out, request, strlen(request), NULL, NULL, NULL);
	int fd = g_socket_get_fd(g_socket_connection_get_socket(figures->connection));
	figures->stream = g_unix_fd_add(fd, G_IO_IN, on_stream, figures);
	return TRUE;
}

/* ---- processor time and memory ------------------------------------------------------------------ */

static double
cpu_seconds(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
	g_autofree char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL) || strrchr(text, ')') == NULL)
		return 0;
	g_auto(GStrv) fields = g_strsplit(strrchr(text, ')') + 2, " ", 14);
	if (g_strv_length(fields) < 14)
		return 0;
	return (double)(g_ascii_strtoull(fields[11], NULL, 10) +
			g_ascii_strtoull(fields[12], NULL, 10)) /
	       (double)sysconf(_SC_CLK_TCK);
}

/* its share of memory, in MB */
static double
pss_mb(const char *pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%s/smaps_rollup", pid);
	g_autofree char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return 0;
	const char *line = strstr(text, "\nPss:");
	return line != NULL
		   ? (double)g_ascii_strtoull(line + strlen("\nPss:"), NULL, 10) / KB_PER_MB
		   : 0;
}

static bool
is_job(const char *pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%s/cmdline", pid);
	g_autofree char *text = NULL;
	size_t size = 0;
	if (!g_file_get_contents(path, &text, &size, NULL))
		return false;
	const char *second = memchr(text, '\0', size);
	return second != NULL && second + 1 < text + size && strcmp(second + 1, "restore") == 0;
}

void
line_each_job(pid_t daemon, void (*take)(const char *pid, void *data), void *data)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/task/%d/children", (int)daemon,
						(int)daemon);
	g_autofree char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return;
	g_auto(GStrv) children = g_strsplit(g_strchomp(text), " ", -1);
	for (char **child = children; *child != NULL && **child != '\0'; child++) {
		if (is_job(*child))
			take(*child, data);
	}
}

static void
look_at_job(const char *pid, void *data)
{
	LineFigures *figures = data;
	if (figures->samples % WEIGH_EVERY == figures->jobs % WEIGH_EVERY)
		figures->peak_job_mb = MAX(figures->peak_job_mb, pss_mb(pid));
	figures->jobs++;
}

static gboolean
on_sample(void *data)
{
	LineFigures *figures = data;
	g_autofree char *daemon = g_strdup_printf("%d",
						  (int)rescue_process_pid(figures->line->daemon));
	int64_t now_us = g_get_monotonic_time();
	figures->jobs = 0;
	figures->samples++;
	line_each_job(rescue_process_pid(figures->line->daemon), look_at_job, figures);
	if (figures->connection == NULL)
		(void)connect_stream(figures);
	figures->running_s += figures->jobs * (double)(now_us - figures->sampled_us) /
			      G_USEC_PER_SEC;
	figures->sampled_us = now_us;
	if (figures->samples % WEIGH_EVERY == 0)
		figures->peak_mb = MAX(figures->peak_mb, pss_mb(daemon));
	return G_SOURCE_CONTINUE;
}

/* ---- all of it ---------------------------------------------------------------------------------- */

void
line_figures_begin(Line *line)
{
	if (line->wants_figures == 0)
		return;
	LineFigures *figures = g_new0(LineFigures, 1);
	line->figures = figures;
	figures->line = line;
	figures->tails = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_tail);
	figures->pending = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_pending);
	figures->journal_ms = g_array_new(FALSE, FALSE, sizeof(double));
	figures->page_ms = g_array_new(FALSE, FALSE, sizeof(double));
	rescue_lines_init(&figures->lines, MAX_LINE);
	figures->begun_us = figures->sampled_us = g_get_monotonic_time();
	figures->sample = g_timeout_add(SAMPLE_MS, on_sample, figures);
}

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

/* What the daemon itself has measured: from an event to when it had read it in the journal. */
static void
tell_metrics(const LineFigures *figures)
{
	g_autofree char *socket = rescue_line_socket(figures->line->state);
	const RescueLineRequest request = { .socket = socket, .method = "GET", .path = "/metrics" };
	g_autofree char *text = rescue_line_ask(&request, NULL);
	g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);
	printf("figures: the daemon had read so many events within so many seconds:");
	for (char **line = lines; *line != NULL; line++) {
		const char *bucket = strstr(*line, "event_seconds_bucket{le=");
		if (bucket != NULL && (*line)[0] != '#')
			printf(" %s", bucket + strlen("event_seconds_bucket{le="));
	}
	printf("\n");
}

static void
tell(LineFigures *figures)
{
	double cpu = cpu_seconds(rescue_process_pid(figures->line->daemon));
	double seconds = (double)(g_get_monotonic_time() - figures->begun_us) / G_USEC_PER_SEC;
	printf("figures: daemon %.1f s of processor time in %.0f s, %.2f %% of a core for each 16 "
	       "restores that run (%.1f on average), at most %.1f MB; a job at most %.1f MB\n",
	       cpu, seconds, 100 * cpu / (figures->running_s / 16), figures->running_s / seconds,
	       figures->peak_mb, figures->peak_job_mb);
	printf("figures: event to journal p50 %.1f p99 %.1f ms of %u; event to dashboard p50 %.0f "
	       "p99 %.0f ms of %u\n",
	       percentile(figures->journal_ms, 0.5), percentile(figures->journal_ms, 0.99),
	       figures->journal_ms->len, percentile(figures->page_ms, 0.5),
	       percentile(figures->page_ms, 0.99), figures->page_ms->len);
}

void
line_figures_end(Line *line)
{
	LineFigures *figures = line->figures;
	if (figures == NULL)
		return;
	tell(figures);
	tell_metrics(figures);
	g_source_remove(figures->sample);
	if (figures->connection != NULL) {
		g_source_remove(figures->stream);
		g_object_unref(figures->connection);
	}
	rescue_lines_clear(&figures->lines);
	g_hash_table_unref(figures->tails);
	g_hash_table_unref(figures->pending);
	g_array_unref(figures->journal_ms);
	g_array_unref(figures->page_ms);
	g_free(figures->event);
	g_free(figures);
	line->figures = NULL;
}
