/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/json.h"

/*
 * What is to be told to others, in order, until each of them has it: files of lines as in a journal (journal.h), each
 * line an event with a number "seq" of its own, and for each reader a small file with how far it has come. One process
 * writes and is never held up: a line is one write() that waits for no disk. Readers are other processes.
 * Bounded: when there is too much, the oldest file goes, read or not.
 */
typedef struct RescueOutbox RescueOutbox;

/** A longer event is refused. */
#define RESCUE_OUTBOX_MAX_EVENT (64u * 1024)
/** A file of an outbox is not written to beyond this. */
#define RESCUE_OUTBOX_FILE_BYTES (256u * 1024)

/** For the one that writes; makes the folder. HOST_IO. Caller owns. */
RescueOutbox *rescue_outbox_open(const char *dir, uint64_t max_bytes, GError **error);
/** Accepts NULL. */
void rescue_outbox_close(RescueOutbox *outbox);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueOutbox, rescue_outbox_close)
/** Gives the event its "seq" and appends it. HOST_IO when the disk refuses; then it is not there. */
bool rescue_outbox_append(RescueOutbox *outbox, RescueJson *event, GError **error);
/** Of the last event; 0: there never was one. */
uint64_t rescue_outbox_last(const RescueOutbox *outbox);

/** Events (RescueJson) behind number `after`, the oldest first, at most `limit` (0: all). Caller owns the array. */
GPtrArray *rescue_outbox_read(const char *dir, uint64_t after, size_t limit);

/** How far a reader is. */
typedef struct {
	uint64_t seq;     /* it is done with all up to this one */
	unsigned tries;   /* of the next one, that failed */
	int64_t again_ms; /* wall time before which that one is not tried again; 0: at once */
} RescueOutboxCursor;

/** False when the reader has none yet, or a damaged one; `ret_cursor` is untouched then. */
bool rescue_outbox_load(const char *dir, const char *reader, RescueOutboxCursor *ret_cursor);
/** Whole or not at all. HOST_IO. */
bool rescue_outbox_save(const char *dir, const char *reader, const RescueOutboxCursor *cursor,
			GError **error);
/** Deletes files whose last event is older than `before_ms` (wall time), never the newest one. */
void rescue_outbox_expire(const char *dir, int64_t before_ms);
