/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/process/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib-unix.h>

#include "core/base/error.h"
#include "core/process/fd.h"
#include "core/process/notify.h"
#include "core/process/process.h"

/* Read per turn of the loop. */
#define CHUNK (64u * 1024)
/*
 * Of a pipe that a grandchild keeps open and goes on filling, this much is still read after the
 * child's end.
 */
#define MAX_AFTER_END (1024 * 1024)

struct RescueStream {
	RescueLines lines;
	RescueLinesSink sink;
	RescueStreamDone done; /* set once finishing */
	void *data;
	int fd; /* of the pipe or file */
	bool is_file;
	RescueNotify *growth; /* of a file, or NULL */
	guint news;           /* source that tells of news from a pipe */
	guint more; /* source that reads on without news: after a full chunk, and at the end */
	int64_t last_part; /* bytes that are still read while finishing */
	bool closed;       /* freed by its owner, perhaps from within a callback */
};

static void
deliver(const char *line, void *data)
{
	RescueStream *stream = data;

	if (!stream->closed)
		stream->sink(line, stream->data);
}

typedef enum {
	READ_MORE,    /* something came: there may be more */
	READ_NOTHING, /* that is all for now */
	READ_END,     /* end of the pipe, or an error */
} ReadResult;

static ReadResult
read_chunk(RescueStream *stream)
{
	char buffer[CHUNK];
	ssize_t got;

	do
		got = read(stream->fd, buffer, sizeof buffer);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? READ_NOTHING : READ_END;
	if (got == 0)
		return stream->is_file ? READ_NOTHING : READ_END;
	stream->last_part -= got;
	rescue_lines_feed(&stream->lines, buffer, (size_t)got, deliver, stream);
	return READ_MORE;
}

static void
remove_source(guint *id)
{
	if (*id != 0)
		g_source_remove(*id);
	*id = 0;
}

static void
stream_clear(void *data)
{
	RescueStream *stream = data;

	rescue_lines_clear(&stream->lines);
}

static void
stream_unref(RescueStream *stream)
{
	g_rc_box_release_full(stream, stream_clear);
}

static void
end_stream(RescueStream *stream)
{
	rescue_lines_finish(&stream->lines, deliver, stream);
	if (!stream->closed)
		stream->done(stream->data);
}

/** One chunk per turn until nothing is left; while finishing, its owner is told then. */
static gboolean
on_more(gpointer data)
{
	RescueStream *stream = g_rc_box_acquire(data);
	bool again = read_chunk(stream) == READ_MORE;

	if (stream->done != NULL && stream->last_part <= 0)
		again = false;
	if (!again && !stream->closed) {
		stream->more = 0;
		if (stream->done != NULL)
			end_stream(stream);
	}
	again = again && !stream->closed;
	stream_unref(stream);
	return again ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static void
read_on(RescueStream *stream)
{
	if (stream->more == 0)
		stream->more = g_idle_add_full(G_PRIORITY_DEFAULT, on_more, stream, NULL);
}

static gboolean
on_pipe(gint fd, GIOCondition condition, gpointer data)
{
	RescueStream *stream = g_rc_box_acquire(data);
	bool again = read_chunk(stream) != READ_END;

	if (!again && !stream->closed)
		stream->news = 0;
	again = again && !stream->closed;
	stream_unref(stream);
	return again ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static void
on_growth(const char *name, void *data)
{
	read_on(data);
}

static RescueStream *
stream_new(int fd, RescueLinesSink sink, void *data)
{
	RescueStream *stream = g_rc_box_new0(RescueStream);

	rescue_lines_init(&stream->lines, RESCUE_PROCESS_MAX_LINE);
	stream->sink = sink;
	stream->data = data;
	stream->fd = fd;
	return stream;
}

RescueStream *
rescue_stream_new_pipe(int fd, RescueLinesSink sink, void *data)
{
	RescueStream *stream = stream_new(fd, sink, data);

	(void)g_unix_set_fd_nonblocking(fd, TRUE, NULL); /* only fails for a bad descriptor */
	stream->news = g_unix_fd_add(fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_pipe, stream);
	return stream;
}

RescueStream *
rescue_stream_new_file(const char *path, RescueLinesSink sink, void *data, GError **error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot read ‘%s’: %s", path,
			    g_strerror(errno));
		return NULL;
	}
	RescueStream *stream = stream_new(fd, sink, data);
	stream->is_file = true;
	stream->growth = rescue_notify_new(path, IN_MODIFY, on_growth, stream);
	read_on(stream); /* what was written before the watch */
	return stream;
}

/** A file is read up to its size of now: somebody else may go on writing to it for ever. */
static int64_t
rest_of(const RescueStream *stream)
{
	struct stat status;

	if (!stream->is_file)
		return MAX_AFTER_END;
	if (fstat(stream->fd, &status) < 0)
		return 0;
	return status.st_size - lseek(stream->fd, 0, SEEK_CUR);
}

void
rescue_stream_catch_up(RescueStream *stream)
{
	int64_t rest = stream->is_file && stream->done == NULL ? rest_of(stream) : 0;

	g_rc_box_acquire(stream);
	stream->last_part = rest;
	while (stream->last_part > 0 && !stream->closed && read_chunk(stream) == READ_MORE)
		continue;
	stream_unref(stream);
}

void
rescue_stream_finish(RescueStream *stream, RescueStreamDone done)
{
	remove_source(&stream->news);
	g_clear_pointer(&stream->growth, rescue_notify_free);
	stream->last_part = rest_of(stream);
	stream->done = done;
	read_on(stream);
}

void
rescue_stream_free(RescueStream *stream)
{
	if (stream == NULL)
		return;
	stream->closed = true;
	remove_source(&stream->news);
	g_clear_pointer(&stream->growth, rescue_notify_free);
	remove_source(&stream->more);
	rescue_fd_clear(&stream->fd);
	stream_unref(stream);
}
