/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/turns.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "core/process/fd.h"
#include "core/process/lockfile.h"
#include "core/process/notify.h"

/*
 * Without a daemon a job goes on by itself after so long: enough for one that is being restarted, drawn at random so
 * that not all engines start at once.
 */
#define ALONE_MIN_MS 15000
#define ALONE_MAX_MS 45000

struct RescueTurns {
	char *state_dir, *job_dir;
	RescueInbox *inbox;
	int hold_ms;
	char *awaited; /* path; NULL: nothing is */
	RescueNotify *news;
};

char *
rescue_line_dir(const char *state_dir)
{
	return g_build_filename(state_dir, "line", NULL);
}

char *
rescue_line_journal_path(const char *state_dir)
{
	return g_build_filename(state_dir, "line", "journal", NULL);
}

char *
rescue_line_lock_path(const char *state_dir)
{
	return g_build_filename(state_dir, "line", "lock", NULL);
}

bool
rescue_line_is_served(const char *state_dir)
{
	g_autofree char *path = rescue_line_lock_path(state_dir);
	rescue_autofd fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && rescue_lockfile_is_held(fd);
}

char *
rescue_turns_path(const char *job_dir, const char *turn, unsigned number)
{
	return g_strdup_printf("%s/turn-%s-%u", job_dir, turn, number);
}

RescueTurns *
rescue_turns_new(const char *state_dir, const char *job_dir, RescueInbox *inbox, int hold_ms)
{
	RescueTurns *turns = g_new0(RescueTurns, 1);

	turns->state_dir = g_strdup(state_dir);
	turns->job_dir = g_strdup(job_dir);
	turns->inbox = inbox;
	turns->hold_ms = hold_ms;
	return turns;
}

void
rescue_turns_free(RescueTurns *turns)
{
	if (turns == NULL)
		return;
	rescue_notify_free(turns->news);
	g_free(turns->state_dir);
	g_free(turns->job_dir);
	g_free(turns->awaited);
	g_free(turns);
}

static void
on_news(const char *name, void *data)
{
	RescueTurns *turns = data;

	if (turns->awaited == NULL || !g_file_test(turns->awaited, G_FILE_TEST_EXISTS))
		return;
	rescue_inbox_post(turns->inbox, rescue_observation_new(RESCUE_OBSERVED_TURN));
	(void)unlink(turns->awaited); /* it is used up */
	g_clear_pointer(&turns->awaited, g_free);
}

static int
ask(void *self, const char *turn, unsigned number)
{
	RescueTurns *turns = self;

	g_free(turns->awaited);
	turns->awaited = rescue_turns_path(turns->job_dir, turn, number);
	(void)unlink(turns->awaited); /* granted to a process that is gone */
	if (turns->news == NULL)
		turns->news = rescue_notify_new(turns->job_dir, IN_MOVED_TO, on_news, turns);
	return g_random_int_range(ALONE_MIN_MS, ALONE_MAX_MS);
}

static bool
is_served(void *self)
{
	const RescueTurns *turns = self;

	return rescue_line_is_served(turns->state_dir);
}

static void
end(void *self)
{
	RescueTurns *turns = self;

	if (turns->awaited != NULL)
		(void)unlink(turns->awaited);
	g_clear_pointer(&turns->awaited, g_free);
	g_clear_pointer(&turns->news, rescue_notify_free);
}

static int
hold_ms(void *self)
{
	return ((RescueTurns *)self)->hold_ms;
}

const RescueTurnPort rescue_turns_port = {
	.hold_ms = hold_ms,
	.ask = ask,
	.is_served = is_served,
	.end = end,
};
