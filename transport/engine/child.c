/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/engine/child.h"

#include <glib-unix.h>
#include <signal.h>

#include "core/base/error.h"
#include "core/failure/failure.h"

#define MS_PER_MINUTE 60000

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

static gboolean
on_signal(gpointer data)
{
	RescueChild *child = data;

	child->stopped = true;
	if (child->pid > 0)
		(void)kill(-child->pid, SIGTERM);
	return G_SOURCE_CONTINUE;
}

void
rescue_child_init(RescueChild *child)
{
	*child = (RescueChild){ .pid = 0 };
	for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
		child->signals[i] = g_unix_signal_add(signals[i], on_signal, child);
}

void
rescue_child_clear(RescueChild *child)
{
	for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
		g_source_remove(child->signals[i]);
}

bool
rescue_child_check(const RescueChild *child, GError **error)
{
	if (!child->stopped)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_CANCELLED,
		    "the installation was stopped; nothing of it is left");
	return false;
}

static bool
before_exec(pid_t pid, uint64_t start_time, void *data, GError **error)
{
	RescueChild *child = data;

	child->pid = pid;
	return true;
}

static void
on_line(const char *line, void *data)
{
	const RescueChild *child = data;

	if (child->spec->on_line != NULL)
		child->spec->on_line(line, child->spec->data);
}

bool
rescue_child_run(RescueChild *child, const RescueProcessSpec *spec, unsigned deadline_ms,
		 RescueProcessResult *ret_result, GError **error)
{
	RescueProcessSpec inner = *spec;

	inner.before_exec = before_exec;
	inner.on_line = on_line;
	inner.data = child;
	child->spec = spec;
	if (!rescue_child_check(child, error))
		return false;
	bool started = rescue_process_run(&inner, deadline_ms, ret_result, error);
	child->pid = 0;
	if (!started || !rescue_child_check(child, error))
		return false;
	if (ret_result->timed_out)
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DOWNLOAD_FAILED,
			    "‘%s’ was not done within %u minutes", spec->argv[0],
			    deadline_ms / MS_PER_MINUTE);
	return !ret_result->timed_out;
}
