/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "cli/common/turns.h"
#include "core/base/error.h"
#include "core/base/path.h"
#include "core/process/fd.h"
#include "core/process/lockfile.h"

#define TOO_LONG 25000u /* lines of a daemon that runs for weeks: some 8 MB */
#define LONG     4000u  /* lines from which it is worth while to write it anew */

struct RescueLineJournal {
	char *path;
	int lock_fd, station_fd;
	RescueJournal *journal;
	unsigned appended; /* lines, since it was written anew */
};

static void
set_busy(int fd, const char *path, GError **error)
{
	g_autoptr(RescueJson) line = rescue_lockfile_read(fd);
	const char *station = line != NULL ? rescue_json_get_string(line, "station") : NULL;
	int64_t pid = 0;

	if (line != NULL)
		(void)rescue_json_get_int(line, "pid", &pid);
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY,
		    "a line runs here already (process %ld, station %s); end it first, or give "
		    "this one another state folder with --state",
		    (long)pid, station != NULL ? station : "unknown");
}

static bool
take_lock(RescueLineJournal *journal, const char *path, const char *station, GError **error)
{
	g_autoptr(RescueJson) line = rescue_json_object_new();

	journal->lock_fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (journal->lock_fd < 0) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot open ‘%s’: %s", path,
			    g_strerror(errno));
		return false;
	}
	if (!rescue_lockfile_take(journal->lock_fd)) {
		set_busy(journal->lock_fd, path, error);
		return false;
	}
	rescue_json_set_int(line, "pid", getpid());
	rescue_json_set_string(line, "station", station);
	rescue_lockfile_write(journal->lock_fd, line);
	return true;
}

/* The same station with another state folder: two daemons would want the same phones. */
static bool
take_station(RescueLineJournal *journal, const char *station, GError **error)
{
	journal->station_fd = open(station, O_RDONLY | O_CLOEXEC);
	if (journal->station_fd < 0 || flock(journal->station_fd, LOCK_EX | LOCK_NB) == 0 ||
	    errno != EWOULDBLOCK)
		return true; /* whether it can be read is found out when it is; some disks know no locks */
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY,
		    "a line runs for the station ‘%s’ already, with another state folder; end it "
		    "first",
		    station);
	return false;
}

RescueLineJournal *
rescue_line_journal_open(const char *state_dir, const char *station, GError **error)
{
	g_autoptr(RescueLineJournal) journal = g_new(RescueLineJournal, 1);
	g_autofree char *dir = rescue_line_dir(state_dir);
	g_autofree char *lock = rescue_line_lock_path(state_dir);

	*journal = (RescueLineJournal){ .lock_fd = -1,
					.station_fd = -1,
					.path = rescue_line_journal_path(state_dir) };
	if (!rescue_path_make_dir(dir, error) || !take_lock(journal, lock, station, error) ||
	    !take_station(journal, station, error))
		return NULL;
	return g_steal_pointer(&journal);
}

void
rescue_line_journal_close(RescueLineJournal *journal)
{
	if (journal == NULL)
		return;
	rescue_journal_close(journal->journal);
	rescue_fd_clear(&journal->lock_fd);
	rescue_fd_clear(&journal->station_fd);
	g_free(journal->path);
	g_free(journal);
}

/* The old one stays under its name until the new one takes it. */
static bool
write_anew(const RescueLineJournal *journal, const GPtrArray *lines, GError **error)
{
	g_autofree char *draft = g_strconcat(journal->path, ".new", NULL);
	g_autofree char *old = g_strconcat(journal->path, ".old", NULL);

	if (!rescue_journal_write(draft, lines, error))
		return false;
	(void)unlink(old);
	if (link(journal->path, old) == 0 && rename(draft, journal->path) == 0)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot put ‘%s’ aside: %s",
		    journal->path, g_strerror(errno));
	return false;
}

GPtrArray *
rescue_line_journal_read(RescueLineJournal *journal, RescueLineCompact compact, GError **error)
{
	g_autoptr(GPtrArray) lines = NULL;
	g_autoptr(GPtrArray) rest = NULL;

	if (g_file_test(journal->path, G_FILE_TEST_EXISTS)) {
		lines = rescue_journal_read(journal->path, NULL, error);
		if (lines == NULL)
			return NULL;
		rest = compact(lines);
	}
	/* a disk that is full does not keep the line from running: the long one will do */
	if (lines != NULL && lines->len >= LONG && rest->len < lines->len / 2)
		(void)write_anew(journal, rest, NULL);
	journal->journal = rescue_journal_open(journal->path, error);
	if (journal->journal == NULL)
		return NULL;
	return rest != NULL ? g_steal_pointer(&rest) : g_ptr_array_new();
}

/*
 * The daemon's loop waits for the disk only with what stands nowhere else. A job forces what was written of its phone
 * itself before it does anything (restore --line); what follows from a job is found again in the job's journal; and
 * what operators did is in the lines that follow from it.
 */
static bool
is_forced(const RescueJson *event)
{
	static const char *const soon[] = { "phone", "outcome", "action", NULL };
	const char *name = rescue_json_get_string(event, "event");

	return name == NULL || !g_strv_contains(soon, name);
}

static bool
append(void *self, const RescueJson *event, GError **error)
{
	RescueLineJournal *journal = self;

	journal->appended++;
	return is_forced(event) ? rescue_journal_append(journal->journal, event, error)
				: rescue_journal_append_soon(journal->journal, event, error);
}

const RescueStorePort rescue_line_journal_port = {
	.append = append,
};

void
rescue_line_journal_tidy(RescueLineJournal *journal, RescueLineCompact compact)
{
	g_autoptr(GPtrArray) lines = NULL;
	g_autoptr(GPtrArray) rest = NULL;
	RescueJournal *anew;

	if (journal->appended < TOO_LONG)
		return;
	journal->appended = 0;
	lines = rescue_journal_read(journal->path, NULL, NULL);
	rest = lines != NULL ? compact(lines) : NULL;
	/* what cannot be done now is tried again after as many lines */
	if (rest == NULL || rest->len >= lines->len / 2 || !write_anew(journal, rest, NULL))
		return;
	anew = rescue_journal_open(journal->path, NULL);
	if (anew == NULL) { /* the one that is open stays the journal */
		g_autofree char *old = g_strconcat(journal->path, ".old", NULL);
		(void)rename(old, journal->path);
		return;
	}
	rescue_journal_close(journal->journal);
	journal->journal = anew;
}
