/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/process/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A stat line is about 300 bytes; the program's name in it is at most 64. */
#define MAX_STAT 2048u

/**
 * Field numbers of proc(5), counted from the state, which is the first one behind the program's
 * name.
 */
#define FIELD_STATE      3
#define FIELD_START_TIME 22

/**
 * The text behind the program's name, which may itself contain spaces and parentheses; NULL when
 * not there.
 */
static const char *
read_stat(pid_t pid, char *buffer, size_t size)
{
	char path[64];

	(void)g_snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	ssize_t got = read(fd, buffer, size - 1);
	(void)close(fd);
	if (got <= 0)
		return NULL;
	buffer[got] = '\0';
	const char *end = strrchr(buffer, ')');
	return end != NULL && end[1] == ' ' ? end + 2 : NULL;
}

static bool
read_identity(pid_t pid, char *ret_state, uint64_t *ret_start_time)
{
	char buffer[MAX_STAT];
	const char *text = pid > 0 ? read_stat(pid, buffer, sizeof buffer) : NULL;

	if (text == NULL)
		return false;
	*ret_state = text[0];
	for (int field = FIELD_STATE; field < FIELD_START_TIME && text != NULL; field++) {
		text = strchr(text, ' ');
		text = text != NULL ? text + 1 : NULL;
	}
	if (text == NULL)
		return false;
	*ret_start_time = g_ascii_strtoull(text, NULL, 10);
	return true;
}

uint64_t
rescue_process_start_time(pid_t pid)
{
	char state;
	uint64_t start_time;

	return read_identity(pid, &state, &start_time) ? start_time : 0;
}

bool
rescue_process_is_alive(pid_t pid, uint64_t start_time)
{
	char state;
	uint64_t now;

	return read_identity(pid, &state, &now) && now == start_time && state != 'Z' &&
	       state != 'X';
}
