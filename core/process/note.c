/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/process/note.h"

#include "core/base/error.h"
#include "core/process/fd.h"
#include "core/process/lockfile.h"

/* Its former holder takes it away just when we have opened it. */
#define MAX_TRIES 8

struct RescueNote {
	char *name;
	int fd;
};

/** The descriptor of a note that is held and still there; -1: BUSY or HOST_IO. */
static int
take(const char *name, GError **error)
{
	for (int tries = 0; tries < MAX_TRIES; tries++) {
		rescue_autofd fd = rescue_lockfile_open_name(name, true, error);
		if (fd < 0)
			return -1;
		if (!rescue_lockfile_take(fd))
			break;
		if (rescue_lockfile_is_ours(fd, name))
			return rescue_fd_steal(&fd);
	}
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY, "‘%s’ is another process's work", name);
	return -1;
}

RescueNote *
rescue_note_take(const char *subject, const char *kind, GError **error)
{
	g_autofree char *name = g_strdup_printf("%s.%s", subject, kind);
	int fd = take(name, error);
	RescueNote *note;

	if (fd < 0)
		return NULL;
	note = g_new0(RescueNote, 1);
	note->name = g_steal_pointer(&name);
	note->fd = fd;
	return note;
}

int
rescue_note_fd(const RescueNote *note)
{
	return note->fd;
}

void
rescue_note_done(RescueNote *note)
{
	rescue_lockfile_remove(note->name);
	rescue_note_free(note);
}

void
rescue_note_free(RescueNote *note)
{
	if (note == NULL)
		return;
	rescue_fd_clear(&note->fd);
	g_free(note->name);
	g_free(note);
}

static bool
is_left(const char *name)
{
	rescue_autofd fd = rescue_lockfile_open_name(name, false, NULL);

	return fd >= 0 && !rescue_lockfile_is_held(fd) && rescue_lockfile_is_ours(fd, name);
}

GStrv
rescue_note_list_left(const char *kind)
{
	g_autofree char *suffix = g_strconcat(".", kind, NULL);
	g_auto(GStrv) names = rescue_lockfile_list(suffix);
	g_autoptr(GStrvBuilder) left = g_strv_builder_new();

	for (char **name = names; *name != NULL; name++) {
		g_autofree char *subject = g_strndup(*name, strlen(*name) - strlen(suffix));
		if (is_left(*name))
			g_strv_builder_add(left, subject);
	}
	return g_strv_builder_end(left);
}
