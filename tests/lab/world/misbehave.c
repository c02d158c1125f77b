/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/misbehave.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

enum { MEGABYTE = 1000 * 1000 };

typedef struct {
	char *action;
	int number;
	unsigned times; /* 0: always */
} Mischief;

/* ---- how often so far: a file that grows by one byte ------------------------------------------ */

static unsigned
count_up(unsigned index)
{
	const char *dir = g_getenv("LAB_DIR");
	g_autofree char *path = g_strdup_printf("%s/engine-fault-%u", dir != NULL ? dir : ".",
						index);
	struct stat status = { 0 };
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return 0;
	bool counted = write(fd, "x", 1) == 1 && fstat(fd, &status) == 0;
	(void)close(fd);
	return counted ? (unsigned)status.st_size : 0;
}

static void
record(const Mischief *mischief, unsigned number)
{
	const char *path = g_getenv("LAB_RECORD");
	g_autofree char *line = g_strdup_printf("{\"us\":%" G_GINT64_FORMAT
						",\"event\":\"fault\",\"at\":\"engine\","
						"\"action\":\"%s\",\"number\":%u}\n",
						g_get_monotonic_time(), mischief->action, number);
	int fd = path != NULL ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	if (write(fd, line, strlen(line)) < 0)
		perror(path);
	(void)close(fd);
}

/* ---- what it does ----------------------------------------------------------------------------- */

static void
do_exit(int number)
{
	_exit(number);
}

static void
do_crash(int number)
{
	(void)signal(SIGSEGV, SIG_DFL);
	(void)raise(SIGSEGV);
}

static void
do_mute(int number)
{
	for (;;)
		(void)pause();
}

static void
do_deaf(int number)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
		(void)signal(signals[i], SIG_IGN);
	do_mute(number);
}

static void
do_flood(int number)
{
	static const char line[] = "Waiting for the device to say something of consequence...\n";
	for (uint64_t left = (uint64_t)number * MEGABYTE; left > 0;
	     left -= MIN(left, sizeof line - 1))
		(void)fputs(line, stdout);
	(void)fflush(stdout);
}

static const struct {
	const char *action;
	void (*perform)(int number);
} deeds[] = {
	{ "exit", do_exit }, { "crash", do_crash }, { "mute", do_mute },
	{ "deaf", do_deaf }, { "flood", do_flood },
};

static bool
read_line(const char *line, Mischief *mischief)
{
	g_auto(GStrv) words = g_strsplit(line, " ", 3);
	if (g_strv_length(words) != 3)
		return false;
	mischief->action = g_strdup(words[0]);
	mischief->number = (int)g_ascii_strtoll(words[1], NULL, 10);
	mischief->times = (unsigned)g_ascii_strtoull(words[2], NULL, 10);
	return true;
}

static void
perform(const Mischief *mischief, unsigned index)
{
	unsigned number = count_up(index);
	if (mischief->times != 0 && number > mischief->times)
		return;
	record(mischief, number);
	for (size_t i = 0; i < G_N_ELEMENTS(deeds); i++) {
		if (strcmp(deeds[i].action, mischief->action) == 0)
			deeds[i].perform(mischief->number);
	}
}

void
lab_misbehave(void)
{
	const char *faults = g_getenv("LAB_ENGINE_FAULTS");
	g_auto(GStrv) lines = g_strsplit(faults != NULL ? faults : "", "\n", -1);
	for (unsigned i = 0; lines[i] != NULL; i++) {
		Mischief mischief = { NULL, 0, 0 };
		if (read_line(lines[i], &mischief))
			perform(&mischief, i);
		g_free(mischief.action);
	}
}
