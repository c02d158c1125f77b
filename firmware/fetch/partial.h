/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firmware/fetch/ranges.h"

/*
 * A file that is not whole yet: PATH with its bytes, PATH.state with what is known of them. The state file has one
 * block that says which file it is, written with a rename, and two blocks in turn that say which bytes are here, each
 * with a number and a checksum: whoever is killed in the middle of one leaves the other. Written, not synced: after a
 * power cut the state may claim more than the disk has, which the digest at the end finds out.
 */
typedef struct RescuePartial RescuePartial;

/** What the file is a part of. Strings may be NULL. */
typedef struct {
	char *url, *etag, *modified;
	uint64_t size;
} RescuePartialIdentity;

/** Opens or makes it; whoever does this holds a lock (depot.h). A state that makes no sense counts as none. */
RescuePartial *rescue_partial_open(const char *path, GError **error);
/** Closes; both files stay. Accepts NULL. */
void rescue_partial_close(RescuePartial *partial);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescuePartial, rescue_partial_close)

/** NULL when nothing is known: then nothing is here. Borrowed. */
const RescuePartialIdentity *rescue_partial_identity(const RescuePartial *partial);
/** What was here when it was opened, RescueSpan. Borrowed. */
const GArray *rescue_partial_spans(const RescuePartial *partial);
/** Says what it is; what `keep` has stays, without it nothing. NO_SPACE when the file does not fit on the disk. */
bool rescue_partial_begin(RescuePartial *partial, const RescuePartialIdentity *identity,
			  const RescueRanges *keep, GError **error);
bool rescue_partial_write(RescuePartial *partial, const void *bytes, size_t size, uint64_t offset,
			  GError **error);
/** At most `size` bytes from `offset`; how many there were, negative on an error. */
int64_t rescue_partial_read(const RescuePartial *partial, void *bytes, size_t size, uint64_t offset,
			    GError **error);
/** Notes what is here by now: a few microseconds, no sync. */
bool rescue_partial_save(RescuePartial *partial, const RescueRanges *ranges, GError **error);
/** Moves the bytes to `path`, which must be on the same disk, and removes the state. */
bool rescue_partial_finish(RescuePartial *partial, const char *path, GError **error);
/** Nothing is here any more; the file can be begun again. */
bool rescue_partial_forget(RescuePartial *partial, GError **error);
/** Removes both files; what is written after that goes nowhere. */
void rescue_partial_discard(RescuePartial *partial);

/** Bytes here and size of a partial file of somebody else, from its state; false when there is none. */
bool rescue_partial_peek(const char *path, uint64_t *ret_bytes, uint64_t *ret_size);
