/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/process/process.h"

#include <signal.h>
#include <string.h>

/* Of what a child that is run to its end may say. */
#define MAX_OUTPUT (16u * 1024 * 1024)
/* Between SIGTERM and SIGKILL of one that passed its deadline. */
#define GRACE_MS 500

typedef struct {
	const RescueProcessSpec *spec;
	RescueProcess *process;
	GString *output;
	int status, signal;
	bool done, timed_out;
} Run;

static void
on_line(const char *line, void *data)
{
	Run *run = data;

	if (run->output->len + strlen(line) < MAX_OUTPUT)
		g_string_append_printf(run->output, "%s\n", line);
	if (run->spec->on_line != NULL)
		run->spec->on_line(line, run->spec->data);
}

static void
on_exit_seen(int status, int signal, void *data)
{
	Run *run = data;

	run->status = status;
	run->signal = signal;
	run->done = true;
}

static bool
before_exec(pid_t pid, uint64_t start_time, void *data, GError **error)
{
	const Run *run = data;

	return run->spec->before_exec == NULL ||
	       run->spec->before_exec(pid, start_time, run->spec->data, error);
}

static gboolean
on_deadline(gpointer data)
{
	Run *run = data;

	run->timed_out = true;
	rescue_process_end(run->process, GRACE_MS);
	return G_SOURCE_CONTINUE; /* removed by whoever added it */
}

static void
run_loop(Run *run, unsigned deadline_ms)
{
	guint deadline = g_timeout_add(deadline_ms, on_deadline, run);

	while (!run->done)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(deadline);
}

bool
rescue_process_run(const RescueProcessSpec *spec, unsigned deadline_ms,
		   RescueProcessResult *ret_result, GError **error)
{
	Run run = { .spec = spec };
	RescueProcessSpec inner = *spec;

	inner.on_line = on_line;
	inner.on_exit = on_exit_seen;
	inner.before_exec = before_exec;
	inner.data = &run;
	g_autoptr(RescueProcess) process = rescue_process_start(&inner, error);
	if (process == NULL)
		return false;
	run.process = process;
	run.output = g_string_new(NULL);
	run_loop(&run, deadline_ms);
	*ret_result = (RescueProcessResult){
		.output = g_string_free(run.output, FALSE),
		.errors = g_strdup(rescue_process_stderr(process)),
		.status = run.status,
		.signal = run.signal,
		.timed_out = run.timed_out,
	};
	return true;
}

bool
rescue_process_result_is_foreign_end(const RescueProcessResult *result)
{
	static const int foreign[] = { SIGKILL, SIGTERM, SIGINT, SIGHUP };

	for (size_t i = 0; i < G_N_ELEMENTS(foreign); i++) {
		if (result->signal == foreign[i])
			return !result->timed_out;
	}
	return false;
}

bool
rescue_process_insist(const RescueProcessSpec *spec, unsigned deadline_ms,
		      RescueProcessResult *ret_result, GError **error)
{
	for (unsigned tries = 1;; tries++) {
		if (!rescue_process_run(spec, deadline_ms, ret_result, error))
			return false;
		if (!rescue_process_result_is_foreign_end(ret_result) ||
		    tries == RESCUE_PROCESS_TRIES)
			return true;
		rescue_process_result_clear(ret_result);
	}
}

void
rescue_process_result_clear(RescueProcessResult *result)
{
	g_clear_pointer(&result->output, g_free);
	g_clear_pointer(&result->errors, g_free);
	*result = (RescueProcessResult){ .status = 0 };
}
