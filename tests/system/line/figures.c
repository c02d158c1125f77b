/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/line/client/ask.h"
#include "tests/system/line/line.h"

/*
 * What a line takes: processor time and memory of the daemon and its jobs. How long events are on their way is
 * measured by a process of its own (way.c): this one also drives the bench and would measure itself.
 */

enum {
	SAMPLE_MS = 500,
	WEIGH_EVERY =
	    40, /* samples: to ask for memory takes the kernel milliseconds for each process */
	KB_PER_MB = 1024,
	GRACE_MS = 5000,
};
#define NS_PER_S 1e9

struct LineFigures {
	Line *line;
	RescueProcess *way;
	bool way_ended;
	guint sample;
	double running_s, peak_mb, peak_job_mb;
	unsigned samples, jobs; /* that run now */
	int64_t begun_us, sampled_us;
};

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
	figures->running_s += figures->jobs * (double)(now_us - figures->sampled_us) /
			      G_USEC_PER_SEC;
	figures->sampled_us = now_us;
	if (figures->samples % WEIGH_EVERY == 0)
		figures->peak_mb = MAX(figures->peak_mb, pss_mb(daemon));
	return G_SOURCE_CONTINUE;
}

/* ---- all of it ---------------------------------------------------------------------------------- */

static void
on_way_line(const char *line, void *data)
{
	printf("figures: %s\n", line);
}

static void
on_way_end(int status, int signal, void *data)
{
	LineFigures *figures = data;
	figures->way_ended = true;
}

static RescueProcess *
start_way(LineFigures *figures)
{
	const char *const argv[] = { "idevicerescue-lab-line-way", figures->line->state, NULL };
	const RescueProcessSpec spec = { .argv = argv,
					 .inherit_fd = -1,
					 .merge_stderr = true,
					 .on_line = on_way_line,
					 .on_exit = on_way_end,
					 .data = figures };
	g_autoptr(GError) error = NULL;
	RescueProcess *process = rescue_process_start(&spec, &error);
	g_assert_no_error(error);
	return process;
}

static void
end_way(LineFigures *figures)
{
	rescue_process_end(figures->way, GRACE_MS);
	while (!figures->way_ended)
		g_main_context_iteration(NULL, TRUE);
	rescue_process_free(figures->way);
}

void
line_figures_begin(Line *line)
{
	if (line->wants_figures == 0)
		return;
	LineFigures *figures = g_new0(LineFigures, 1);
	line->figures = figures;
	figures->line = line;
	figures->way = start_way(figures);
	figures->begun_us = figures->sampled_us = g_get_monotonic_time();
	figures->sample = g_timeout_add(SAMPLE_MS, on_sample, figures);
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

/* How long the daemon was ready to run and did not get the processor. */
static double
queued_seconds(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/schedstat", (int)pid);
	g_autofree char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL) || strchr(text, ' ') == NULL)
		return 0;
	return (double)g_ascii_strtoull(strchr(text, ' '), NULL, 10) / NS_PER_S;
}

static void
tell(LineFigures *figures)
{
	double cpu = cpu_seconds(rescue_process_pid(figures->line->daemon));
	double seconds = (double)(g_get_monotonic_time() - figures->begun_us) / G_USEC_PER_SEC;
	printf("figures: daemon %.1f s of processor time in %.0f s, %.2f %% of a core for each 16 "
	       "restores that run (%.1f on average), waited %.1f s for a core, at most %.1f MB; a "
	       "job at most %.1f MB\n",
	       cpu, seconds, 100 * cpu / (figures->running_s / 16), figures->running_s / seconds,
	       queued_seconds(rescue_process_pid(figures->line->daemon)), figures->peak_mb,
	       figures->peak_job_mb);
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
	end_way(figures);
	g_free(figures);
	line->figures = NULL;
}
