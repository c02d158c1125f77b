/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "transport/host/host.h"

#define LOG_PATH       "/dev/kmsg"
#define MAX_RECORD     8192u
#define MAX_RECORDS    200000u
#define MAX_LINES      256u
#define HEADER_NUMBERS 3

const char *
rescue_host_read_record(const char *record, int64_t since_us)
{
	const char *text = strchr(record, ';');
	g_auto(GStrv) header = g_strsplit(record, ",", HEADER_NUMBERS + 1);
	guint64 time_us;

	if (text == NULL || g_strv_length(header) < HEADER_NUMBERS ||
	    !g_ascii_string_to_unsigned(header[2], 10, 0, G_MAXINT64, &time_us, NULL) ||
	    (int64_t)time_us < since_us)
		return NULL;
	text++;
	return g_str_has_prefix(text, "usb ") || g_str_has_prefix(text, "hub ") ? text : NULL;
}

static void
add_records(const char *bytes, int64_t since_us, GPtrArray *lines)
{
	g_auto(GStrv) records = g_strsplit(bytes, "\n", -1);

	for (unsigned i = 0; records[i] != NULL && lines->len < MAX_LINES; i++) {
		const char *text = rescue_host_read_record(records[i], since_us);
		if (text != NULL)
			g_ptr_array_add(lines, g_utf8_make_valid(text, -1));
	}
}

/* each read gives one record; EPIPE: some were overwritten meanwhile, and the next ones follow */
bool
rescue_host_read_kernel(int64_t since_us, GPtrArray *lines)
{
	int fd = open(LOG_PATH, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char record[MAX_RECORD];

	if (fd < 0)
		return false;
	for (unsigned i = 0; i < MAX_RECORDS; i++) {
		ssize_t size = read(fd, record, sizeof(record) - 1);
		if (size < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (size <= 0)
			break;
		record[size] = '\0';
		add_records(record, since_us, lines);
	}
	(void)close(fd); /* nothing was written */
	return true;
}
