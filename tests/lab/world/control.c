/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/control.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gio/gio.h>
#include <glib-unix.h>

enum { LINE_MAX_BYTES = 1024, PIECE = 512 };

struct LabControl {
	char *path;
	int fd;
	unsigned source;
	GString *line; /* what has come of it */
	void (*on_line)(void *data, const char *line);
	void *data;
};

static void
take(LabControl *control, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] != '\n' && control->line->len < LINE_MAX_BYTES) {
			g_string_append_c(control->line, bytes[i]);
		} else {
			g_autofree char *line = g_strdup(control->line->str);
			g_string_truncate(control->line, 0);
			control->on_line(control->data, g_strstrip(line));
		}
	}
}

void
lab_control_drain(LabControl *control)
{
	char bytes[PIECE];
	ssize_t got;
	while ((got = read(control->fd, bytes, sizeof bytes)) > 0)
		take(control, bytes, (size_t)got);
}

static gboolean
on_readable(int fd, GIOCondition condition, void *data)
{
	lab_control_drain(data);
	return G_SOURCE_CONTINUE;
}

LabControl *
lab_control_new(const char *path, void (*on_line)(void *data, const char *line), void *data,
		GError **error)
{
	(void)unlink(path); /* of an earlier run in the same directory */
	/* open for both, so that it never ends */
	int fd = mkfifo(path, 0600) == 0 ? open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC) : -1;
	if (fd < 0) {
		int code = errno;
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(code), "cannot make ‘%s’: %s",
			    path, g_strerror(code));
		return NULL;
	}
	LabControl *control = g_new0(LabControl, 1);
	control->path = g_strdup(path);
	control->fd = fd;
	control->line = g_string_new(NULL);
	control->on_line = on_line;
	control->data = data;
	control->source = g_unix_fd_add(fd, G_IO_IN, on_readable, control);
	return control;
}

void
lab_control_free(LabControl *control)
{
	if (control == NULL)
		return;
	g_source_remove(control->source);
	(void)close(control->fd);
	g_string_free(control->line, TRUE);
	g_free(control->path);
	g_free(control);
}

const char *
lab_control_path(const LabControl *control)
{
	return control->path;
}
