/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <glib-unix.h>

#include "core/base/parse.h"
#include "core/process/process.h"
#include "tests/bench/record.h"

/*
 * idevicerescue-lab-stopwatch: runs a command in a world of the lab and tells how long it took: until the (first)
 * engine ended, in all, how much processor time without the engine's, and what a fault cost. All by the lab's record
 * and the kernel, nothing by the command's own word.
 */

enum {
	EXIT_CANNOT = 96,
	LOOK_MS = 50, /* at the engine's processor time, which its parent takes away with it */
	MS = 1000,
	STAT_UTIME = 11, /* fields of /proc/PID/stat behind the name */
	STAT_STIME = 12,
};

typedef struct {
	GMainLoop *loop;
	RescueProcess *command;
	bool is_engine; /* the command is the engine */
	int64_t begin_us, end_us, engine_end_us;
	pid_t engine;
	int engine_fd;
	guint engine_source, look_source, limit_source;
	int64_t engine_cpu_ms;
	int status;
	bool out_of_time;
	FILE *output;
} Watch;

static int64_t
read_cpu_ms(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
	g_autofree char *text = NULL;
	uint64_t user = 0, system = 0;

	if (!g_file_get_contents(path, &text, NULL, NULL) || strrchr(text, ')') == NULL)
		return 0;
	g_auto(GStrv) fields = g_strsplit(strrchr(text, ')') + 2, " ", -1);
	if (g_strv_length(fields) <= STAT_STIME ||
	    !rescue_parse_uint(fields[STAT_UTIME], 0, G_MAXINT, &user, NULL) ||
	    !rescue_parse_uint(fields[STAT_STIME], 0, G_MAXINT, &system, NULL))
		return 0;
	return (int64_t)(user + system) * 1000 / sysconf(_SC_CLK_TCK);
}

static gboolean
on_engine_end(gint fd, GIOCondition condition, gpointer data)
{
	Watch *watch = data;

	watch->engine_end_us = g_get_monotonic_time();
	watch->engine_source = 0;
	(void)close(fd);
	return G_SOURCE_REMOVE;
}

static gboolean
on_look(gpointer data)
{
	Watch *watch = data;

	if (watch->engine == 0) {
		watch->engine = bench_record_first_engine(g_getenv("LAB_RECORD"));
		int fd = watch->engine != 0 ? pidfd_open(watch->engine, 0) : -1;
		if (fd >= 0)
			watch->engine_source = g_unix_fd_add(fd, G_IO_IN, on_engine_end, watch);
	}
	if (watch->engine != 0)
		watch->engine_cpu_ms = MAX(watch->engine_cpu_ms, read_cpu_ms(watch->engine));
	return G_SOURCE_CONTINUE;
}

static gboolean
on_limit(gpointer data)
{
	Watch *watch = data;

	watch->limit_source = 0;
	watch->out_of_time = true;
	rescue_process_end(watch->command, 1 * MS);
	return G_SOURCE_REMOVE;
}

static void
on_line(const char *line, void *data)
{
	const Watch *watch = data;

	if (watch->output != NULL)
		fprintf(watch->output, "%s\n", line);
}

static void
on_exit_seen(int status, int signal, void *data)
{
	Watch *watch = data;

	watch->end_us = g_get_monotonic_time();
	watch->status = signal != 0 ? 128 + signal : status;
	g_main_loop_quit(watch->loop);
}

/* ours, and that of all our children that were waited for */
static int64_t
children_cpu_ms(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_CHILDREN, &usage) < 0)
		return 0;
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * MS +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / MS;
}

static void
tell_span(const char *name, int64_t from_us, int64_t to_us)
{
	if (from_us != 0 && to_us != 0)
		printf(" %s=%d", name, (int)((to_us - from_us) / MS));
	else
		printf(" %s=-", name);
}

static void
tell(const Watch *watch)
{
	const char *record = g_getenv("LAB_RECORD");
	int64_t fault_us = bench_record_fault_us(record);
	int64_t cpu_ms = children_cpu_ms() - watch->engine_cpu_ms;

	printf("stopwatch: exit=%d", watch->status);
	tell_span("engine-ms", watch->begin_us, watch->engine_end_us);
	tell_span("all-ms", watch->begin_us, watch->end_us);
	printf(" cpu-ms=%d engine-cpu-ms=%d", (int)(watch->is_engine ? 0 : cpu_ms),
	       (int)watch->engine_cpu_ms);
	tell_span("fault-to-end-ms", fault_us, watch->out_of_time ? 0 : watch->engine_end_us);
	tell_span("fault-to-next-ms", fault_us, bench_record_next_engine_us(record));
	printf("\n");
}

static int
time_command(Watch *watch, char **argv, int limit_s)
{
	g_autoptr(GError) error = NULL;
	const RescueProcessSpec spec = { .argv = (const char *const *)argv,
					 .merge_stderr = true,
					 .inherit_fd = -1,
					 .on_line = on_line,
					 .on_exit = on_exit_seen,
					 .data = watch };

	watch->loop = g_main_loop_new(NULL, FALSE);
	watch->look_source = g_timeout_add(LOOK_MS, on_look, watch);
	watch->begin_us = g_get_monotonic_time();
	watch->command = rescue_process_start(&spec, &error);
	if (watch->command == NULL) {
		fprintf(stderr, "idevicerescue-lab-stopwatch: %s\n", error->message);
		return EXIT_CANNOT;
	}
	if (limit_s > 0)
		watch->limit_source = g_timeout_add_seconds((guint)limit_s, on_limit, watch);
	g_main_loop_run(watch->loop);
	if (watch->is_engine || watch->engine_end_us == 0)
		watch->engine_end_us = watch->end_us;
	tell(watch);
	return watch->status;
}

static void
watch_clear(Watch *watch)
{
	g_clear_handle_id(&watch->engine_source, g_source_remove);
	g_clear_handle_id(&watch->look_source, g_source_remove);
	g_clear_handle_id(&watch->limit_source, g_source_remove);
	rescue_process_free(watch->command);
	g_clear_pointer(&watch->loop, g_main_loop_unref);
	if (watch->output != NULL)
		(void)fclose(watch->output);
}

int
main(int argc, char **argv)
{
	gboolean bare = FALSE;
	int limit_s = 0;
	g_autofree char *output = NULL;
	const GOptionEntry entries[] = { { "bare", 0, 0, G_OPTION_ARG_NONE, &bare,
					   "the command is the engine itself", NULL },
					 { "limit", 0, 0, G_OPTION_ARG_INT, &limit_s,
					   "end it after so long", "SECONDS" },
					 { "output", 0, 0, G_OPTION_ARG_FILENAME, &output,
					   "what it says goes here", "FILE" },
					 { 0 } };
	g_autoptr(GOptionContext) context = g_option_context_new("-- COMMAND…");
	g_autoptr(GError) error = NULL;

	g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_set_strict_posix(context, TRUE);
	if (!g_option_context_parse(context, &argc, &argv, &error) || argc < 2) {
		fprintf(stderr, "idevicerescue-lab-stopwatch: %s\n",
			error != NULL ? error->message : "wants a command behind --");
		return EXIT_CANNOT;
	}
	Watch watch = { .is_engine = bare, .output = output != NULL ? fopen(output, "w") : NULL };
	int status = time_command(&watch, argv + (strcmp(argv[1], "--") == 0 ? 2 : 1), limit_s);
	watch_clear(&watch);
	return status;
}
