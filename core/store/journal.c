/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/store/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/path.h"
#include "core/store/journal_line.h"

struct RescueJournal {
	int fd;
	char *path;
	off_t end; /* behind the last believable line: the next one goes there */
};

static bool
io_error(const RescueJournal *journal, const char *verb, int code, GError **error)
{
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot %s the journal ‘%s’: %s",
		    verb, journal->path, g_strerror(code));
	return false;
}

/** A new file survives a power cut only when its folder was written too. */
static bool
sync_folder(const RescueJournal *journal, GError **error)
{
	g_autofree char *dir = g_path_get_dirname(journal->path);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool synced = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL); /* some file systems cannot */
	int code = errno;

	if (fd >= 0)
		(void)close(fd);
	return synced || io_error(journal, "create", code, error);
}

static bool
find_end(RescueJournal *journal, GError **error)
{
	size_t size = 0;
	g_autofree char *text = rescue_path_read(journal->path, RESCUE_JOURNAL_MAX_BYTES, &size,
						 error);

	if (text == NULL)
		return false;
	journal->end = (off_t)rescue_journal_scan(text, size, NULL);
	return true;
}

/**
 * A mark for onlookers that this journal is being written, not a lock: that no two supervisors run
 * one job is seen to by the lock of its device.
 */
static void
mark_open(const RescueJournal *journal)
{
	struct flock mark = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	(void)fcntl(journal->fd, F_OFD_SETLK, &mark);
}

bool
rescue_journal_is_open(const char *path)
{
	struct flock mark = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	bool held = fd >= 0 && fcntl(fd, F_OFD_GETLK, &mark) == 0 && mark.l_type != F_UNLCK;

	if (fd >= 0)
		(void)close(fd);
	return held;
}

RescueJournal *
rescue_journal_open(const char *path, GError **error)
{
	g_autoptr(RescueJournal) journal = g_new0(RescueJournal, 1);

	journal->path = g_strdup(path);
	journal->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (journal->fd < 0) {
		io_error(journal, "open", errno, error);
		return NULL;
	}
	mark_open(journal);
	if (!sync_folder(journal, error) || !find_end(journal, error))
		return NULL;
	return g_steal_pointer(&journal);
}

void
rescue_journal_close(RescueJournal *journal)
{
	if (journal == NULL)
		return;
	if (journal->fd >= 0)
		(void)close(journal->fd);
	g_free(journal->path);
	g_free(journal);
}

/** Away with a torn tail: of an append that failed, or of a process that died while it wrote. */
static bool
cut_tail(const RescueJournal *journal)
{
	struct stat status;

	if (fstat(journal->fd, &status) < 0)
		return false;
	return status.st_size == journal->end || ftruncate(journal->fd, journal->end) == 0;
}

/**
 * Progress and signs of life come often and a lost last line of them costs nothing: they are written, but not
 * waited for.
 */
static bool
is_forced(const RescueJson *event)
{
	const char *name = rescue_json_get_string(event, "event");

	return name == NULL || (strcmp(name, "progress") != 0 && strcmp(name, "alive") != 0);
}

/** Some file systems know no fdatasync. */
static bool
force(const RescueJournal *journal)
{
	return fdatasync(journal->fd) == 0 || errno == EINVAL;
}

static bool
write_at_end(const RescueJournal *journal, const char *text, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pwrite(journal->fd, text + done, size - done,
				   journal->end + (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static bool
check_size(const RescueJournal *journal, size_t size, GError **error)
{
	if (size <= RESCUE_JOURNAL_MAX_LINE &&
	    (uint64_t)journal->end + size <= RESCUE_JOURNAL_MAX_BYTES)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
		    "the journal ‘%s’ is full: an event of %zu bytes does not fit", journal->path,
		    size);
	return false;
}

static bool
append(RescueJournal *journal, const RescueJson *event, bool forced, GError **error)
{
	g_autofree char *line = rescue_journal_make_line(event);
	size_t size = strlen(line);

	if (!check_size(journal, size, error))
		return false;
	if (!cut_tail(journal))
		return io_error(journal, "mend", errno, error);
	if (!write_at_end(journal, line, size) || (forced && !force(journal))) {
		int code = errno;
		/* when this fails too, the next reader or append recognises the torn line */
		(void)cut_tail(journal);
		return io_error(journal, "write", code, error);
	}
	journal->end += (off_t)size;
	return true;
}

bool
rescue_journal_append(RescueJournal *journal, const RescueJson *event, GError **error)
{
	return append(journal, event, is_forced(event), error);
}

bool
rescue_journal_append_soon(RescueJournal *journal, const RescueJson *event, GError **error)
{
	return append(journal, event, false, error);
}

bool
rescue_journal_write(const char *path, const GPtrArray *events, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < events->len; i++) {
		g_autofree char *line = rescue_journal_make_line(events->pdata[i]);
		g_string_append(text, line);
	}
	return rescue_path_write(path, text->str, text->len, 0600, error);
}

static bool
port_append(void *self, const RescueJson *event, GError **error)
{
	return rescue_journal_append(self, event, error);
}

const RescueStorePort rescue_journal_port = {
	.append = port_append,
};
