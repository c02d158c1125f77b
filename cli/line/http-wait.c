/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/http-wait.h"

#include <poll.h>

#include <glib-unix.h>
#include <microhttpd.h>

#include "core/base/error.h"

#define RETRY_S 1u

struct RescueHttpWait {
	struct MHD_Connection *connection;
	RescueHttpAnswer answer;
	RescueReading *reading; /* NULL: the connection goes on */
	GSource *gone;
	RescueHttpWake wake;
	void *data;
};

static void
stop_watching(RescueHttpWait *wait)
{
	if (wait->gone == NULL)
		return;
	g_source_destroy(wait->gone);
	g_clear_pointer(&wait->gone, g_source_unref);
}

static void
go_on(RescueHttpWait *wait)
{
	g_clear_pointer(&wait->reading, rescue_reading_free);
	stop_watching(wait);
	MHD_resume_connection(wait->connection);
	wait->wake(wait->data);
}

static void
on_read(const RescueRead *read, void *data)
{
	RescueHttpWait *wait = data;

	rescue_http_answer_past(&wait->answer, read);
	go_on(wait);
}

void
rescue_http_wait_end(RescueHttpWait *wait, const char *sentence)
{
	const RescueRead ended = { .end = RESCUE_PAST_ENDED, .fd = -1, .sentence = sentence };

	if (wait->reading == NULL)
		return;
	rescue_http_answer_past(&wait->answer, &ended);
	go_on(wait);
}

/* A client that will send nothing more is taken for gone: the library does not look at who sleeps. */
static gboolean
on_gone(gint fd, GIOCondition condition, gpointer data)
{
	rescue_http_wait_end(data, "nobody waits for this any more");
	return G_SOURCE_REMOVE;
}

static void
watch_client(RescueHttpWait *wait)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(wait->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (info == NULL)
		return;
	wait->gone = g_unix_fd_source_new(info->connect_fd, (GIOCondition)POLLRDHUP);
	g_source_set_callback(wait->gone, G_SOURCE_FUNC(on_gone), wait, NULL);
	g_source_attach(wait->gone, g_main_context_get_thread_default());
}

RescueHttpWait *
rescue_http_wait_new(RescueReaders *readers, struct MHD_Connection *connection,
		     RescueHttpAnswer *answer, RescueHttpWake wake, void *data)
{
	g_autoptr(GError) error = NULL;
	RescueHttpWait *wait = g_new(RescueHttpWait, 1);

	*wait = (RescueHttpWait){ .connection = connection, .wake = wake, .data = data };
	wait->reading = rescue_reading_new(readers, answer->past, on_read, wait, &error);
	if (wait->reading == NULL) {
		rescue_http_refuse(answer, 503, error->message);
		answer->retry_s = RETRY_S;
		g_free(wait);
		return NULL;
	}
	wait->answer = *answer;
	*answer = (RescueHttpAnswer){ 0 };
	MHD_suspend_connection(connection);
	watch_client(wait);
	return wait;
}

RescueHttpAnswer *
rescue_http_wait_answer(RescueHttpWait *wait)
{
	return &wait->answer;
}

void
rescue_http_wait_free(RescueHttpWait *wait)
{
	if (wait == NULL)
		return;
	rescue_reading_free(wait->reading);
	stop_watching(wait);
	rescue_http_answer_clear(&wait->answer);
	g_free(wait);
}
