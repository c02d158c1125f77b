/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/process/notify.h"

#include <stdbool.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <glib-unix.h>

#include "core/process/fd.h"

/* Where the kernel has nothing left for us, everything is looked at this often. */
#define POLL_MS 100

struct RescueNotify {
	int wd; /* -1: it is looked at every POLL_MS */
	guint poll;
	RescueNotifyNews news; /* NULL: freed, perhaps from within its own news */
	void *data;
};

/* The one instance of this process: shared on purpose, since what is scarce is counted by user. */
static struct {
	int fd;
	guint source;
	GPtrArray *watches; /* RescueNotify with a watch; NULL: there is no instance */
} shared = { .fd = -1 };

static void
tell(RescueNotify *notify, const char *name)
{
	if (notify->news != NULL)
		notify->news(name, notify->data);
}

static void
unref(void *notify)
{
	g_rc_box_release(notify);
}

/* Who listens to this watch may go while it is told, and others with it. */
static void
deliver(const struct inotify_event *event)
{
	g_autoptr(GPtrArray) told = g_ptr_array_new_with_free_func(unref);

	for (guint i = 0; shared.watches != NULL && i < shared.watches->len; i++) {
		RescueNotify *notify = g_ptr_array_index(shared.watches, i);
		if (notify->wd == event->wd || (event->mask & IN_Q_OVERFLOW) != 0)
			g_ptr_array_add(told, g_rc_box_acquire(notify));
	}
	for (guint i = 0; i < told->len; i++)
		tell(g_ptr_array_index(told, i), event->len > 0 ? event->name : NULL);
}

static gboolean
on_news(gint fd, GIOCondition condition, gpointer data)
{
	_Alignas(struct inotify_event) char buffer[16384];
	ssize_t got = read(fd, buffer, sizeof buffer);

	for (ssize_t at = 0; at < got;) {
		const struct inotify_event *event = (const void *)(buffer + at);
		at += (ssize_t)(sizeof *event + event->len);
		deliver(event);
	}
	return G_SOURCE_CONTINUE;
}

static bool
open_shared(void)
{
	if (shared.watches != NULL)
		return true;
	shared.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (shared.fd < 0)
		return false;
	shared.watches = g_ptr_array_new();
	shared.source = g_unix_fd_add(shared.fd, G_IO_IN, on_news, NULL);
	return true;
}

static void
close_shared_if_idle(void)
{
	if (shared.watches == NULL || shared.watches->len > 0)
		return;
	g_clear_pointer(&shared.watches, g_ptr_array_unref);
	g_source_remove(shared.source);
	rescue_fd_clear(&shared.fd);
}

static gboolean
on_poll(gpointer data)
{
	RescueNotify *notify = g_rc_box_acquire(data);

	tell(notify, NULL);
	g_rc_box_release(notify);
	return G_SOURCE_CONTINUE;
}

RescueNotify *
rescue_notify_new(const char *path, uint32_t mask, RescueNotifyNews news, void *data)
{
	RescueNotify *notify = g_rc_box_new(RescueNotify);

	*notify = (RescueNotify){ .wd = -1, .news = news, .data = data };
	/* another watch on the same file keeps what it waits for */
	if (open_shared())
		notify->wd = inotify_add_watch(shared.fd, path, mask | IN_MASK_ADD);
	if (notify->wd >= 0)
		g_ptr_array_add(shared.watches, notify);
	else
		notify->poll = g_timeout_add(POLL_MS, on_poll, notify);
	close_shared_if_idle();
	return notify;
}

static bool
is_watched(int wd)
{
	for (guint i = 0; i < shared.watches->len; i++) {
		const RescueNotify *notify = g_ptr_array_index(shared.watches, i);
		if (notify->wd == wd)
			return true;
	}
	return false;
}

void
rescue_notify_free(RescueNotify *notify)
{
	if (notify == NULL || notify->news == NULL)
		return;
	notify->news = NULL;
	g_clear_handle_id(&notify->poll, g_source_remove);
	if (notify->wd >= 0) {
		(void)g_ptr_array_remove_fast(shared.watches, notify);
		if (!is_watched(notify->wd))
			(void)inotify_rm_watch(shared.fd, notify->wd); /* gone with its file */
		close_shared_if_idle();
	}
	g_rc_box_release(notify);
}
