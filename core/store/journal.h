/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/json.h"
#include "core/port/ports.h"

/*
 * The journal of a job: an append-only file of lines, each a stamped event followed by a tab and
 * the CRC-32 of the text before it in 8 hex digits. A line counts only when it is whole and its
 * checksum fits; a torn tail is recognised and cut off before the next append. The first line that
 * does not fit ends what is believed: what follows it is not looked at, because nobody knows what
 * is missing in between. Mode 0600, below STATE/jobs/JOB/journal.
 */
typedef struct RescueJournal RescueJournal;

/** A longer event is refused. */
#define RESCUE_JOURNAL_MAX_LINE (1024u * 1024)
/** A journal does not grow beyond this. */
#define RESCUE_JOURNAL_MAX_BYTES (64u * 1024 * 1024)

extern const RescueStorePort rescue_journal_port; /* self is a RescueJournal */

/** Creates or continues the journal of a job. HOST_IO when the disk refuses. */
RescueJournal *rescue_journal_open(const char *path, GError **error);
/** Accepts NULL. */
void rescue_journal_close(RescueJournal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueJournal, rescue_journal_close)
/**
 * One stamped event, on disk (fdatasync) when it returns true; after an error the file is as
 * before. Only `progress` and `alive` events are not waited for: the next event of another kind forces them
 * too.
 */
bool rescue_journal_append(RescueJournal *journal, const RescueJson *event, GError **error);
/**
 * The same, without waiting for the disk: everybody can read it at once, and a power cut may take it away, but nothing
 * that stands before it. rescue_path_force() makes up for that.
 */
bool rescue_journal_append_soon(RescueJournal *journal, const RescueJson *event, GError **error);

/** A whole journal at once, in place of a file that may be there: on disk when it returns true. HOST_IO. */
bool rescue_journal_write(const char *path, const GPtrArray *events, GError **error);

/** Somebody has this journal open for writing now. False when it is not there. */
bool rescue_journal_is_open(const char *path);

/**
 * The believable events of a journal file, RescueJson; *ret_torn tells of bytes behind the last
 * whole line.
 */
GPtrArray *rescue_journal_read(const char *path, bool *ret_torn, GError **error);
/** Only the first event of a journal; NULL when it cannot be read or believed. Caller owns. */
RescueJson *rescue_journal_read_first(const char *path);

/** A journal that somebody else is writing: it may be there only later. Caller owns. */
typedef struct RescueJournalTail RescueJournalTail;
RescueJournalTail *rescue_journal_tail_new(const char *path);
/** Accepts NULL. */
void rescue_journal_tail_free(RescueJournalTail *tail);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueJournalTail, rescue_journal_tail_free)
/** The believable events since the last call, RescueJson; from the beginning at first. Never NULL; caller owns. */
GPtrArray *rescue_journal_tail_read(RescueJournalTail *tail);

/** Folder of a job below the state folder, made when missing: STATE/jobs/JOB; caller frees. */
char *rescue_journal_make_job_dir(const char *state_dir, const char *job, GError **error);
/** STATE/jobs/JOB/journal; BAD_INPUT when `job` is no job id. Makes nothing; caller frees. */
char *rescue_journal_path(const char *state_dir, const char *job, GError **error);
/** Job ids below the state folder, newest first; caller frees with g_strfreev. */
char **rescue_journal_list_jobs(const char *state_dir);
