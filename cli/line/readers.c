/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/readers.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/process/fd.h"
#include "core/process/process.h"

#define MAX_SENTENCE 1024u
#define GRACE_MS     500u

struct RescueReaders {
	char **command;
	unsigned most, deadline_ms;
	GPtrArray *readings; /* whose child has not ended; owns those that nobody waits for */
};

struct RescueReading {
	RescueReaders *readers;
	RescueProcess *child; /* NULL: it has ended */
	guint deadline;       /* source */
	int fd;
	RescueReadingDone done; /* NULL: nobody waits for it any more */
	void *data;
	bool left; /* by its owner: freed with its child */
};

RescueReaders *
rescue_readers_new(const RescueReadersSpec *spec)
{
	RescueReaders *readers = g_new(RescueReaders, 1);

	*readers = (RescueReaders){ .command = g_strdupv((char **)spec->command),
				    .most = spec->most,
				    .deadline_ms = spec->deadline_ms,
				    .readings = g_ptr_array_new() };
	return readers;
}

/* Its child is gone. */
static void
leave(RescueReading *reading)
{
	(void)g_ptr_array_remove_fast(reading->readers->readings, reading);
	g_clear_pointer(&reading->child, rescue_process_free);
	g_clear_handle_id(&reading->deadline, g_source_remove);
}

static void
free_reading(RescueReading *reading)
{
	leave(reading);
	rescue_fd_clear(&reading->fd);
	g_free(reading);
}

void
rescue_readers_free(RescueReaders *readers)
{
	if (readers == NULL)
		return;
	while (readers->readings->len != 0)
		free_reading(readers->readings->pdata[0]);
	g_ptr_array_unref(readers->readings);
	g_strfreev(readers->command);
	g_free(readers);
}

/* Tells it once, which may free the reading. */
static void
tell(RescueReading *reading, const RescueRead *read)
{
	RescueReadingDone done = reading->done;

	reading->done = NULL;
	if (done != NULL)
		done(read, reading->data);
}

/* The child counts until it has really ended; waiting for that here would hold up the loop. */
static void
end_child(RescueReading *reading)
{
	g_clear_handle_id(&reading->deadline, g_source_remove);
	rescue_process_end(reading->child, GRACE_MS);
}

static gboolean
on_deadline(gpointer data)
{
	static const RescueRead late = {
		.end = RESCUE_PAST_LATE,
		.fd = -1,
		.sentence = "this takes longer than the line waits for it: ask for less of the "
			    "past, or use ‘line report’ or ‘history’ on its computer",
	};
	RescueReading *reading = data;

	reading->deadline = 0;
	end_child(reading);
	tell(reading, &late);
	return G_SOURCE_REMOVE;
}

/* What a child that has no answer wrote instead of it; NULL: nothing of use. Caller frees. */
static char *
read_sentence(int fd)
{
	char text[MAX_SENTENCE + 1] = "";
	ssize_t n = pread(fd, text, MAX_SENTENCE, 0);

	g_strstrip(text);
	return n > 0 && text[0] != '\0' && g_utf8_validate(text, -1, NULL) ? g_strdup(text) : NULL;
}

/* NULL: the answer is whole. Caller frees. */
static char *
judge(const RescueReading *reading, int status, int signal, RescueRead *ret_read)
{
	bool told = status == RESCUE_PAST_REFUSED || status == RESCUE_PAST_MISSING;
	struct stat file;
	char *sentence;

	if (status == RESCUE_PAST_READ && fstat(reading->fd, &file) == 0) {
		*ret_read = (RescueRead){ .fd = reading->fd, .size = (size_t)file.st_size };
		return NULL;
	}
	sentence = read_sentence(reading->fd);
	if (sentence == NULL)
		sentence = g_strdup_printf("what reads of past jobs ended without an answer "
					   "(status %d, signal %d): ask again",
					   status, signal);
	*ret_read = (RescueRead){ .end = told ? (RescuePastEnd)status : RESCUE_PAST_FAILED,
				  .fd = -1,
				  .sentence = sentence };
	return sentence;
}

static void
on_child_exit(int status, int signal, void *data)
{
	RescueReading *reading = data;
	RescueRead read;
	g_autofree char *sentence = NULL;

	leave(reading);
	if (reading->left) {
		free_reading(reading);
		return;
	}
	if (reading->done == NULL)
		return; /* it was late, and its owner knows */
	sentence = judge(reading, status, signal, &read);
	if (read.fd >= 0)
		reading->fd = -1;
	tell(reading, &read);
}

static bool
start(RescueReading *reading, const char *past, GError **error)
{
	const RescueReaders *readers = reading->readers;
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_autofree char *fd = g_strdup_printf("%d", reading->fd);
	RescueProcessSpec spec = {
		.input = past, .inherit_fd = reading->fd, .on_exit = on_child_exit, .data = reading
	};

	for (char **word = readers->command; *word != NULL; word++)
		g_ptr_array_add(argv, *word);
	g_ptr_array_add(argv, fd);
	g_ptr_array_add(argv, NULL);
	spec.argv = (const char *const *)argv->pdata;
	reading->child = rescue_process_start(&spec, error);
	return reading->child != NULL;
}

RescueReading *
rescue_reading_new(RescueReaders *readers, const char *past, RescueReadingDone done, void *data,
		   GError **error)
{
	RescueReading *reading;

	if (readers->readings->len >= readers->most) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY,
			    "others are asking about past jobs already: ask again in a moment");
		return NULL;
	}
	reading = g_new(RescueReading, 1);
	*reading = (RescueReading){ .readers = readers, .fd = -1, .done = done, .data = data };
	reading->fd = memfd_create("past", MFD_CLOEXEC);
	if (reading->fd < 0)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
			    "no room for what is read of past jobs: %s", g_strerror(errno));
	if (reading->fd < 0 || !start(reading, past, error)) {
		free_reading(reading);
		return NULL;
	}
	g_ptr_array_add(readers->readings, reading);
	reading->deadline = g_timeout_add(readers->deadline_ms, on_deadline, reading);
	return reading;
}

void
rescue_reading_free(RescueReading *reading)
{
	if (reading == NULL)
		return;
	reading->done = NULL;
	reading->left = true;
	if (reading->child == NULL)
		free_reading(reading);
	else
		end_child(reading);
}
