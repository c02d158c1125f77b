/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/process/process.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/process/fd.h"
#include "core/process/lines.h"

#define CHUNK (64u * 1024)

bool
rescue_process_read_output(const char *path, RescueProcessLine on_line, void *data, GError **error)
{
	rescue_autofd fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char buffer[CHUNK];
	RescueLines lines;
	ssize_t got = fd < 0 ? -1 : 0;

	rescue_lines_init(&lines, RESCUE_PROCESS_MAX_LINE);
	while (fd >= 0 &&
	       ((got = read(fd, buffer, sizeof buffer)) > 0 || (got < 0 && errno == EINTR)))
		rescue_lines_feed(&lines, buffer, (size_t)MAX(got, 0), on_line, data);
	if (got == 0)
		rescue_lines_finish(&lines, on_line, data);
	else
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot read ‘%s’: %s", path,
			    g_strerror(errno));
	rescue_lines_clear(&lines);
	return got == 0;
}
