/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/agent/report.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/failure/failure.h"

enum { PROTOCOL_VERSION = 1, EXIT_DONE = 0, EXIT_FAILED = 1, GOODBYE_MS = 1000, US_PER_MS = 1000 };

struct RescueAgentDeadline {
	GThread *thread;
	GMutex mutex;
	GCond off;
	bool called_off, finished;
	int64_t end_us; /* monotonic */
	unsigned ms;
	const char *step;
	RescueJson *content; /* told at the end, if it comes; NULL: that is a failure */
};

static void
write_line(const RescueJson *json)
{
	g_autofree char *text = rescue_json_dump(json);
	g_autofree char *line = g_strconcat(text, "\n", NULL);
	size_t size = strlen(line);
	for (size_t done = 0; done < size;) {
		ssize_t n = write(STDOUT_FILENO, line + done, size - done);
		if (n < 0 && errno != EINTR)
			return; /* nobody listens any more */
		if (n > 0)
			done += (size_t)n;
	}
}

static RescueJson *
event_new(const char *name)
{
	RescueJson *event = rescue_json_object_new();
	rescue_json_set_int(event, "v", PROTOCOL_VERSION);
	rescue_json_set_string(event, "event", name);
	return event;
}

void
rescue_report_result(RescueJson *fields)
{
	g_autoptr(RescueJson) event = event_new("result");
	rescue_json_merge(event, fields);
	write_line(event);
	rescue_json_free(fields);
}

void
rescue_report_error(const GError *error)
{
	g_autoptr(RescueJson) event = event_new("error");
	bool ours = error->domain == RESCUE_ERROR;
	RescueFailure failure = ours ? (RescueFailure)error->code : RESCUE_FAILURE_INTERNAL;
	rescue_json_set_string(event, "failure", rescue_failure_info(failure)->name);
	rescue_json_set_string(event, "text", error->message);
	write_line(event);
}

static void *
wait_for_end(void *data)
{
	RescueAgentDeadline *deadline = data;
	g_autoptr(GError) error = NULL;
	g_mutex_lock(&deadline->mutex);
	while (!deadline->called_off &&
	       g_cond_wait_until(&deadline->off, &deadline->mutex, deadline->end_us))
		continue;
	if (deadline->called_off) {
		g_mutex_unlock(&deadline->mutex);
		return NULL;
	}
	if (deadline->finished)
		_exit(EXIT_DONE);
	if (deadline->content != NULL) {
		rescue_report_result(g_steal_pointer(&deadline->content));
		_exit(EXIT_DONE);
	}
	g_set_error(&error, RESCUE_ERROR, RESCUE_FAILURE_DEVICE_SILENT,
		    "waited in vain for %s (%u ms in all)", deadline->step, deadline->ms);
	rescue_report_error(error);
	_exit(EXIT_FAILED); /* the thread that hangs in a library cannot be asked to return */
}

RescueAgentDeadline *
rescue_agent_deadline_new(unsigned deadline_ms)
{
	RescueAgentDeadline *deadline = g_new0(RescueAgentDeadline, 1);
	g_mutex_init(&deadline->mutex);
	g_cond_init(&deadline->off);
	deadline->ms = deadline_ms;
	deadline->end_us = g_get_monotonic_time() + (int64_t)deadline_ms * US_PER_MS;
	deadline->step = "the start";
	deadline->thread = g_thread_new("deadline", wait_for_end, deadline);
	return deadline;
}

void
rescue_agent_deadline_step(RescueAgentDeadline *deadline, const char *step)
{
	g_mutex_lock(&deadline->mutex);
	deadline->step = step;
	g_mutex_unlock(&deadline->mutex);
}

void
rescue_agent_deadline_finish(RescueAgentDeadline *deadline)
{
	g_mutex_lock(&deadline->mutex);
	deadline->finished = true;
	deadline->end_us = g_get_monotonic_time() + GOODBYE_MS * US_PER_MS;
	g_cond_signal(&deadline->off); /* to wait for the new end */
	g_mutex_unlock(&deadline->mutex);
}

void
rescue_agent_deadline_content(RescueAgentDeadline *deadline, const RescueJson *fields)
{
	g_mutex_lock(&deadline->mutex);
	rescue_json_free(deadline->content);
	deadline->content = rescue_json_copy(fields);
	g_mutex_unlock(&deadline->mutex);
}

void
rescue_agent_deadline_free(RescueAgentDeadline *deadline)
{
	if (deadline == NULL)
		return;
	g_mutex_lock(&deadline->mutex);
	deadline->called_off = true;
	g_cond_signal(&deadline->off);
	g_mutex_unlock(&deadline->mutex);
	g_thread_join(deadline->thread);
	rescue_json_free(deadline->content);
	g_mutex_clear(&deadline->mutex);
	g_cond_clear(&deadline->off);
	g_free(deadline);
}
