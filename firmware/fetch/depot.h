/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/model/release.h"
#include "firmware/fetch/partial.h"

/*
 * The firmware of a station in one folder:
 *   content/SHA256.ipsw         whole files, known by what is in them
 *   index/PRODUCT_BUILD.json    which release that is; several may share one content
 *   partial/KEY, KEY.state      on their way
 *   prepared/KEY.img, KEY.json  system images that were unpacked, see image.h
 *   lock/…                      open file description locks: whoever dies lets go of them
 * Any web server over this folder is a mirror for other stations. Nothing is synced to disk: what was written before
 * the
 * last start of the computer is digested once more before it is used.
 */
typedef struct RescueDepot RescueDepot;

/** One file that is here. */
typedef struct {
	RescueRelease *release; /* its sha256 is that of the content */
	char *path;             /* of the content */
	uint64_t size_bytes;
	int64_t used_us; /* wall time; 0: never */
	bool in_use;     /* a job or an engine holds it now */
	bool proven;     /* digested since this computer was started, and not written to since */
	bool damaged;    /* a scan found other content than there should be */
} RescueStored;

void rescue_stored_free(RescueStored *stored);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueStored, rescue_stored_free)

/** `dir` and what belongs in it are made when they are not there. Caller owns. */
RescueDepot *rescue_depot_open(const char *dir, GError **error);
/** Accepts NULL. */
void rescue_depot_close(RescueDepot *depot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueDepot, rescue_depot_close)
/** Borrowed. */
const char *rescue_depot_dir(const RescueDepot *depot);

/** Everything, by product and build; RescueStored, caller owns the array. */
GPtrArray *rescue_depot_list(const RescueDepot *depot);
/** The content of a release: by its name, or by its digest; NULL when it is not here or damaged. Caller owns. */
RescueStored *rescue_depot_find(const RescueDepot *depot, const RescueRelease *release);
/** Where its parts are while it is fetched; caller frees. */
char *rescue_depot_partial_path(const RescueDepot *depot, const RescueRelease *release);
/** Moves a fetched file in under its digest and writes its record. Caller frees `*ret_path`. */
bool rescue_depot_store(const RescueDepot *depot, const RescueRelease *release, const char *sha256,
			RescuePartial *partial, char **ret_path, GError **error);
/** A record for content that is here already: another release has the same file. */
bool rescue_depot_record(const RescueDepot *depot, const RescueRelease *release, const char *sha256,
			 bool damaged, GError **error);
/** Removes the record of this release; its content stays. */
void rescue_depot_forget(const RescueDepot *depot, const RescueRelease *release);
/** Removes the content and all its records; false when it is in use. */
bool rescue_depot_remove(const RescueDepot *depot, const char *sha256, GError **error);
/** Digests it once more and notes the outcome. DOWNLOAD_MISMATCH when it is not what it was. */
bool rescue_depot_verify(const RescueDepot *depot, RescueStored *stored, GError **error);

/** The lock of who fetches this release: a descriptor to be closed, or -1 when somebody else fetches it. */
int rescue_depot_lock_fetch(const RescueDepot *depot, const RescueRelease *release, GError **error);
/**
 * What another process calls content of this depot is that: 64 digits, and the very path under which it is kept, a
 * plain file and no link to anywhere.
 */
bool rescue_depot_is_content(const RescueDepot *depot, const char *sha256, const char *path);
/** Holds content against eviction until the descriptor is closed, and notes that it was used; -1 with error. */
int rescue_depot_hold(const RescueDepot *depot, const char *sha256, GError **error);
/** A place among those that download now; -1 when there are very many. */
int rescue_depot_join_downloads(const RescueDepot *depot);
/** How many download now, at least 1. */
unsigned rescue_depot_count_downloads(const RescueDepot *depot);

/**
 * Which to remove, longest unused first, so that at most `limit` bytes stay (0: no limit) and `need` more are free;
 * damaged ones first, those in use never. Pure: of RescueStored, borrowed; caller owns the array.
 */
GPtrArray *rescue_depot_choose_victims(const GPtrArray *stored, uint64_t limit, uint64_t need);
/**
 * Carries that out, images of unpacked systems first; what was used in the last minute stays. How many bytes became
 * free.
 */
uint64_t rescue_depot_evict(const RescueDepot *depot, uint64_t limit, uint64_t need);
/**
 * Room for something new of `size` bytes, `missing` of which are still to be written: evicts for the depot's limit (0:
 * none) and for the disk. NO_SPACE.
 */
bool rescue_depot_make_room(const RescueDepot *depot, uint64_t limit, uint64_t size,
			    uint64_t missing, GError **error);
/** Partial files that nobody fetches any more, older than `age_us`. How many bytes became free. */
uint64_t rescue_depot_sweep(const RescueDepot *depot, int64_t age_us);
