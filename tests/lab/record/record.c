/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/record/record.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <gio/gio.h>
#include <jansson.h>

struct LabRecord {
	int fd;
	bool ended;
};

static void
append_value(json_t *line, const char *typed_key, va_list *values)
{
	const char *key = typed_key + strlen("s:");
	if (typed_key[0] == 'i') {
		json_object_set_new(line, key, json_integer(va_arg(*values, int64_t)));
		return;
	}
	const char *value = va_arg(*values, const char *);
	g_autofree char *valid = value != NULL ? g_utf8_make_valid(value, -1) : NULL;
	json_object_set_new(line, key, valid != NULL ? json_string(valid) : json_null());
}

static bool
is_typed_key(const char *text)
{
	return (text[0] == 's' || text[0] == 'i') && text[1] == ':';
}

/* one write() on a descriptor opened for appending: a line stays whole even if a server thread writes too */
static void
write_line(int fd, json_t *line)
{
	g_autofree char *text = json_dumps(line, JSON_COMPACT);
	g_autofree char *with_newline = g_strconcat(text, "\n", NULL);
	ssize_t written = write(fd, with_newline, strlen(with_newline));
	if (written < 0)
		g_warning("cannot write the record: %s", g_strerror(errno));
}

LabRecord *
lab_record_open(const char *path, GError **error)
{
	g_return_val_if_fail(path != NULL, NULL);

	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0) {
		int saved = errno;
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(saved),
			    "cannot open the record ‘%s’: %s", path, g_strerror(saved));
		return NULL;
	}
	LabRecord *record = g_new0(LabRecord, 1);
	record->fd = fd;
	return record;
}

void
lab_record_close(LabRecord *record)
{
	if (record == NULL)
		return;
	close(record->fd);
	g_free(record);
}

void
lab_record_event(LabRecord *record, const char *phone, const char *event, ...)
{
	g_return_if_fail(record != NULL && event != NULL);

	if (record->ended)
		return;
	json_t *line = json_object();
	json_object_set_new(line, "us", json_integer(g_get_monotonic_time()));
	if (phone != NULL)
		json_object_set_new(line, "phone", json_string(phone));
	json_object_set_new(line, "event", json_string(event));
	va_list values;
	va_start(values, event);
	for (const char *key = va_arg(values, const char *); key != NULL;
	     key = va_arg(values, const char *)) {
		if (!is_typed_key(key)) {
			g_critical("record key ‘%s’ has no type letter", key);
			break;
		}
		append_value(line, key, &values);
	}
	va_end(values);
	write_line(record->fd, line);
	json_decref(line);
}

void
lab_record_end(LabRecord *record)
{
	record->ended = true;
}

/* a program that its own loader was told to start goes by the loader's name; who it is stands behind --argv0 */
static char *
name_behind_loader(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/cmdline", (int)pid);
	g_autofree char *line = NULL;
	size_t size = 0;
	if (!g_file_get_contents(path, &line, &size, NULL))
		return NULL;
	bool is_next = false;
	for (size_t at = 0; at < size; at += strlen(line + at) + 1) {
		if (is_next)
			return g_path_get_basename(line + at);
		is_next = strcmp(line + at, "--argv0") == 0;
	}
	return NULL;
}

char *
lab_record_comm(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/comm", (int)pid);
	g_autofree char *comm = NULL;
	if (pid <= 0 || !g_file_get_contents(path, &comm, NULL, NULL))
		return g_strdup("?");
	char *name = g_str_has_prefix(comm, "ld-") ? name_behind_loader(pid) : NULL;
	return name != NULL ? name : g_strdup(g_strchomp(comm));
}
