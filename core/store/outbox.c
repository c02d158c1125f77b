/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/store/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/path.h"
#include "core/store/journal_line.h"

#define PREFIX      "events-"
#define CURSOR      "reader-"
#define NAME_DIGITS 16u
#define MAX_FILES   8192u /* the newest of more are looked at */
#define MAX_CURSOR  4096u
/* what a file may have: it is begun anew behind the first event that goes beyond RESCUE_OUTBOX_FILE_BYTES */
#define MAX_FILE_READ (RESCUE_OUTBOX_FILE_BYTES + 2 * RESCUE_OUTBOX_MAX_EVENT)

struct RescueOutbox {
	char *dir;
	uint64_t max_bytes;
	uint64_t last;
	int fd;     /* of the file that is written to; -1: the next event begins one */
	off_t size; /* of it */
};

/** One file: its first event is in its name. */
typedef struct {
	uint64_t first;
	char *path;
} Part;

static void
part_clear(void *data)
{
	g_free(((Part *)data)->path);
}

static int
compare_parts(gconstpointer a, gconstpointer b)
{
	const Part *left = a, *right = b;

	return left->first < right->first ? -1 : left->first > right->first;
}

static bool
read_name(const char *name, uint64_t *ret_first)
{
	const char *digits = name + strlen(PREFIX);
	guint64 first;

	if (!g_str_has_prefix(name, PREFIX) || strlen(digits) != NAME_DIGITS ||
	    !g_ascii_string_to_unsigned(digits, 16, 1, G_MAXUINT64, &first, NULL))
		return false;
	*ret_first = first;
	return true;
}

/* the oldest first */
static GArray *
list_parts(const char *dir)
{
	GArray *parts = g_array_new(FALSE, FALSE, sizeof(Part));
	g_autoptr(GDir) folder = g_dir_open(dir, 0, NULL);
	const char *name;

	g_array_set_clear_func(parts, part_clear);
	while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
		Part part = { .path = NULL };
		if (!read_name(name, &part.first))
			continue;
		part.path = g_build_filename(dir, name, NULL);
		g_array_append_val(parts, part);
	}
	g_array_sort(parts, compare_parts);
	if (parts->len > MAX_FILES)
		g_array_remove_range(parts, 0, parts->len - MAX_FILES);
	return parts;
}

static void
free_event(gpointer event)
{
	rescue_json_free(event);
}

static GPtrArray *
read_part(const Part *part)
{
	GPtrArray *events = g_ptr_array_new_with_free_func(free_event);
	size_t size = 0;
	g_autofree char *text = rescue_path_read(part->path, MAX_FILE_READ, &size, NULL);

	if (text != NULL)
		(void)rescue_journal_scan(text, size, events);
	return events;
}

static uint64_t
last_in_part(const Part *part)
{
	g_autoptr(GPtrArray) events = read_part(part);

	return MAX(part->first - 1,
		   events->len > 0
		       ? rescue_json_get_count(g_ptr_array_index(events, events->len - 1), "seq")
		       : 0);
}

/* readers may be ahead of a folder whose files were deleted: they must not miss what comes now */
static uint64_t
last_of_readers(const char *dir)
{
	g_autoptr(GDir) folder = g_dir_open(dir, 0, NULL);
	uint64_t last = 0;
	const char *name;

	while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
		RescueOutboxCursor cursor = { 0 };
		if (g_str_has_prefix(name, CURSOR) &&
		    rescue_outbox_load(dir, name + strlen(CURSOR), &cursor))
			last = MAX(last, cursor.seq);
	}
	return last;
}

RescueOutbox *
rescue_outbox_open(const char *dir, uint64_t max_bytes, GError **error)
{
	g_autoptr(GArray) parts = NULL;
	RescueOutbox *outbox;

	if (!rescue_path_make_dir(dir, error))
		return NULL;
	outbox = g_new0(RescueOutbox, 1);
	*outbox = (RescueOutbox){ .dir = g_strdup(dir), .max_bytes = max_bytes, .fd = -1 };
	parts = list_parts(dir);
	if (parts->len > 0)
		outbox->last = last_in_part(&g_array_index(parts, Part, parts->len - 1));
	outbox->last = MAX(outbox->last, last_of_readers(dir));
	return outbox;
}

static void
close_part(RescueOutbox *outbox)
{
	if (outbox->fd >= 0)
		(void)close(outbox->fd);
	outbox->fd = -1;
}

void
rescue_outbox_close(RescueOutbox *outbox)
{
	if (outbox == NULL)
		return;
	close_part(outbox);
	g_free(outbox->dir);
	g_free(outbox);
}

static bool
refuse(const RescueOutbox *outbox, const char *what, int code, GError **error)
{
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot %s the outbox ‘%s’: %s",
		    what, outbox->dir, g_strerror(code));
	return false;
}

/* makes room for a file that is about to be begun */
static void
drop_oldest(const RescueOutbox *outbox)
{
	g_autoptr(GArray) parts = list_parts(outbox->dir);
	uint64_t bytes = RESCUE_OUTBOX_FILE_BYTES;

	for (unsigned i = parts->len; i > 0; i--) {
		const char *path = g_array_index(parts, Part, i - 1).path;
		struct stat status;
		bytes += stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
		if (bytes > outbox->max_bytes)
			(void)unlink(path); /* what cannot be deleted is tried again next time */
	}
}

static bool
begin_part(RescueOutbox *outbox, GError **error)
{
	g_autofree char *name = g_strdup_printf(PREFIX "%016" G_GINT64_MODIFIER "x",
						outbox->last + 1);
	g_autofree char *path = g_build_filename(outbox->dir, name, NULL);

	close_part(outbox);
	drop_oldest(outbox);
	/* one that is there holds nothing believable, or its events would count */
	outbox->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	outbox->size = 0;
	return outbox->fd >= 0 || refuse(outbox, "open", errno, error);
}

/* a line that was not written whole is cut off again; where that fails, another file is begun */
static bool
write_line(RescueOutbox *outbox, const char *line, GError **error)
{
	size_t size = strlen(line);
	ssize_t n = pwrite(outbox->fd, line, size, outbox->size);
	int code = n < 0 ? errno : ENOSPC;

	if (n == (ssize_t)size) {
		outbox->size += n;
		return true;
	}
	if (ftruncate(outbox->fd, outbox->size) != 0)
		close_part(outbox);
	return refuse(outbox, "write to", code, error);
}

bool
rescue_outbox_append(RescueOutbox *outbox, RescueJson *event, GError **error)
{
	g_autofree char *line = NULL;

	rescue_json_set_int(event, "seq", (int64_t)outbox->last + 1);
	line = rescue_journal_make_line(event);
	if (strlen(line) > RESCUE_OUTBOX_MAX_EVENT)
		return refuse(outbox, "write to", EMSGSIZE, error);
	if ((outbox->fd < 0 || outbox->size > RESCUE_OUTBOX_FILE_BYTES) &&
	    !begin_part(outbox, error))
		return false;
	if (!write_line(outbox, line, error))
		return false;
	outbox->last++;
	return true;
}

uint64_t
rescue_outbox_last(const RescueOutbox *outbox)
{
	return outbox->last;
}

static bool
take_events(const Part *part, uint64_t after, size_t limit, GPtrArray *events)
{
	g_autoptr(GPtrArray) found = read_part(part);

	for (unsigned i = 0; i < found->len; i++) {
		RescueJson *event = g_ptr_array_index(found, i);
		if (limit != 0 && events->len >= limit)
			return false;
		if (rescue_json_get_count(event, "seq") > after)
			g_ptr_array_add(events, rescue_json_ref(event));
	}
	return true;
}

GPtrArray *
rescue_outbox_read(const char *dir, uint64_t after, size_t limit)
{
	g_autoptr(GArray) parts = list_parts(dir);
	GPtrArray *events = g_ptr_array_new_with_free_func(free_event);

	for (unsigned i = 0; i < parts->len; i++) {
		bool passed = i + 1 < parts->len &&
			      g_array_index(parts, Part, i + 1).first <= after + 1;
		if (!passed && !take_events(&g_array_index(parts, Part, i), after, limit, events))
			break;
	}
	return events;
}

static char *
cursor_path(const char *dir, const char *reader)
{
	g_autofree char *name = g_strconcat(CURSOR, reader, NULL);

	return g_build_filename(dir, name, NULL);
}

bool
rescue_outbox_load(const char *dir, const char *reader, RescueOutboxCursor *ret_cursor)
{
	g_autofree char *path = cursor_path(dir, reader);
	size_t size = 0;
	g_autofree char *text = rescue_path_read(path, MAX_CURSOR, &size, NULL);
	g_autoptr(RescueJson) json = text != NULL ? rescue_json_parse(text, size, NULL) : NULL;
	int64_t seq, tries = 0, again_ms = 0;

	if (json == NULL || !rescue_json_get_int(json, "seq", &seq) || seq < 0)
		return false;
	(void)rescue_json_get_int(json, "tries", &tries);
	(void)rescue_json_get_int(json, "again_ms", &again_ms);
	*ret_cursor = (RescueOutboxCursor){ .seq = (uint64_t)seq,
					    .tries = (unsigned)CLAMP(tries, 0, G_MAXINT),
					    .again_ms = again_ms };
	return true;
}

bool
rescue_outbox_save(const char *dir, const char *reader, const RescueOutboxCursor *cursor,
		   GError **error)
{
	g_autofree char *path = cursor_path(dir, reader);
	g_autoptr(RescueJson) json = rescue_json_object_new();
	g_autofree char *text = NULL;

	rescue_json_set_int(json, "seq", (int64_t)cursor->seq);
	rescue_json_set_int(json, "tries", cursor->tries);
	rescue_json_set_int(json, "again_ms", cursor->again_ms);
	text = rescue_json_dump(json);
	return rescue_path_write(path, text, strlen(text), 0600, error);
}

void
rescue_outbox_expire(const char *dir, int64_t before_ms)
{
	g_autoptr(GArray) parts = list_parts(dir);

	for (unsigned i = 0; i + 1 < parts->len; i++) {
		const char *path = g_array_index(parts, Part, i).path;
		struct stat status;
		if (stat(path, &status) == 0 && (int64_t)status.st_mtim.tv_sec * 1000 < before_ms)
			(void)unlink(path); /* tried again the next day */
	}
}
