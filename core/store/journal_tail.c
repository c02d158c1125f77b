/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/store/journal.h"
#include "core/store/journal_line.h"

#define CHUNK 65536u

struct RescueJournalTail {
	char *path;
	int fd;   /* -1: not there yet */
	off_t at; /* behind the last believable line: what is believed once is never cut off */
};

RescueJournalTail *
rescue_journal_tail_new(const char *path)
{
	RescueJournalTail *tail = g_new(RescueJournalTail, 1);

	*tail = (RescueJournalTail){ .path = g_strdup(path), .fd = -1 };
	return tail;
}

void
rescue_journal_tail_free(RescueJournalTail *tail)
{
	if (tail == NULL)
		return;
	if (tail->fd >= 0)
		(void)close(tail->fd);
	g_free(tail->path);
	g_free(tail);
}

static void
read_rest(const RescueJournalTail *tail, GString *text)
{
	char buffer[CHUNK];
	ssize_t got;

	do {
		got = pread(tail->fd, buffer, sizeof buffer, tail->at + (off_t)text->len);
		if (got > 0)
			g_string_append_len(text, buffer, got);
	} while ((got > 0 && text->len < RESCUE_JOURNAL_MAX_BYTES) || (got < 0 && errno == EINTR));
}

static void
free_event(gpointer event)
{
	rescue_json_free(event);
}

GPtrArray *
rescue_journal_tail_read(RescueJournalTail *tail)
{
	GPtrArray *events = g_ptr_array_new_with_free_func(free_event);
	g_autoptr(GString) text = g_string_new(NULL);

	if (tail->fd < 0)
		tail->fd = open(tail->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (tail->fd < 0)
		return events;
	read_rest(tail, text);
	tail->at += (off_t)rescue_journal_scan(text->str, text->len, events);
	return events;
}
