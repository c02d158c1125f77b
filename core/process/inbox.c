/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/process/inbox.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <glib-unix.h>

#include "core/process/fd.h"

struct RescueInbox {
	GQueue waiting; /* RescueObservation */
	int signal_fd;  /* SIGINT and SIGTERM, or -1 */
	guint signal_source;
	sigset_t mask_before;
	unsigned stops;
};

RescueInbox *
rescue_inbox_new(void)
{
	RescueInbox *inbox = g_new0(RescueInbox, 1);

	g_queue_init(&inbox->waiting);
	inbox->signal_fd = -1;
	return inbox;
}

static void
free_observation(gpointer observation)
{
	rescue_observation_free(observation);
}

void
rescue_inbox_free(RescueInbox *inbox)
{
	if (inbox == NULL)
		return;
	g_queue_clear_full(&inbox->waiting, free_observation);
	if (inbox->signal_source != 0)
		g_source_remove(inbox->signal_source);
	if (inbox->signal_fd >= 0)
		(void)pthread_sigmask(SIG_SETMASK, &inbox->mask_before, NULL);
	rescue_fd_clear(&inbox->signal_fd);
	g_free(inbox);
}

void
rescue_inbox_post(RescueInbox *inbox, RescueObservation *observation)
{
	g_queue_push_tail(&inbox->waiting, observation);
}

static gboolean
on_signal(gint fd, GIOCondition condition, gpointer data)
{
	RescueInbox *inbox = data;
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof info) == (ssize_t)sizeof info) {
		RescueObservation *observation = rescue_observation_new(RESCUE_OBSERVED_STOP);
		observation->stops = ++inbox->stops;
		rescue_inbox_post(inbox, observation);
	}
	return G_SOURCE_CONTINUE;
}

void
rescue_inbox_watch_signals(RescueInbox *inbox)
{
	sigset_t wanted;

	g_return_if_fail(inbox->signal_fd < 0);
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGTERM);
	/*
	 * a descriptor instead of a handler: GLib's own signal sources start a thread, and we fork
	 */
	inbox->signal_fd = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
	if (inbox->signal_fd < 0) {
		g_warning("cannot watch signals: %s", g_strerror(errno));
		return;
	}
	(void)pthread_sigmask(SIG_BLOCK, &wanted, &inbox->mask_before);
	inbox->signal_source = g_unix_fd_add(inbox->signal_fd, G_IO_IN, on_signal, inbox);
}

static gboolean
on_deadline(gpointer data)
{
	bool *over = data;

	*over = true;
	return G_SOURCE_REMOVE;
}

/** Runs the loop until something is there or the deadline is over, in any case once. */
static void
wait_for_news(RescueInbox *inbox, int64_t deadline_us)
{
	bool over = false;
	GSource *source = g_timeout_source_new(0);

	g_source_set_callback(source, on_deadline, &over, NULL);
	g_source_set_ready_time(source, MAX(deadline_us, 0)); /* negative would mean never */
	g_source_attach(source, NULL);
	while (g_queue_is_empty(&inbox->waiting) && !over)
		g_main_context_iteration(NULL, TRUE);
	g_source_destroy(source);
	g_source_unref(source);
}

static RescueObservation *
inbox_next(void *self, int64_t deadline_us)
{
	RescueInbox *inbox = self;

	if (g_queue_is_empty(&inbox->waiting))
		wait_for_news(inbox, deadline_us);
	RescueObservation *observation = g_queue_pop_head(&inbox->waiting);
	return observation != NULL ? observation : rescue_observation_new(RESCUE_OBSERVED_DEADLINE);
}

const RescueInboxPort rescue_inbox_port = {
	.next = inbox_next,
};
