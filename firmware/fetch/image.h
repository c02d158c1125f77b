/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "firmware/fetch/depot.h"

/*
 * System images that were unpacked once for all jobs of a station. An image is known by a key that its maker derives
 * from the archive and the name in it. Whoever is handed one gets it by a link of its own: as long as that link
 * lives, the image is in use, whoever made it may be dead. Nobody writes to it: it is read-only, and one whose file
 * has been written to since is digested once more, as firmware is.
 */

#define RESCUE_IMAGE_KEY_DIGITS 64u

typedef struct {
	char *key;    /* hexadecimal */
	char *path;   /* DEPOT/prepared/KEY.img */
	char *source; /* the archive that it came from */
	/* size, time and inode of that at the time; see rescue_image_source_state() */
	char *source_state;
	char *member; /* what it is called in there */
	char *sha256;
	uint64_t size_bytes;
	int64_t used_us; /* wall time; 0: never */
	/* held by a job, or an engine has a link to it or was given its source */
	bool in_use;
	/* made or digested since this computer was started, and not written to since */
	bool proven;
	/* its source is gone or another file now: nobody will ask for it again */
	bool orphaned;
} RescueImage;

void rescue_image_free(RescueImage *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueImage, rescue_image_free)

/** What of an archive changes with its content, as text; NULL when it cannot be looked at. Caller frees. */
char *rescue_image_source_state(const char *source);

/** All that are here, RescueImage; caller owns the array. */
GPtrArray *rescue_depot_images(const RescueDepot *depot);
/** By its key; one whose record is not that of its file is none. NULL when there is none. Caller owns. */
RescueImage *rescue_depot_find_image(const RescueDepot *depot, const char *key);
/** Where an image is while it is made, and where it will be; caller frees. */
char *rescue_depot_image_part(const RescueDepot *depot, const char *key);
char *rescue_depot_image_path(const RescueDepot *depot, const char *key);
/** Moves a made image from its part to its place, read-only, and writes its record. HOST_IO. */
bool rescue_depot_keep_image(const RescueDepot *depot, const RescueImage *image, GError **error);
/** Digests one that is not proven; true: it is what it was. Else it is removed. */
bool rescue_depot_prove_image(const RescueDepot *depot, RescueImage *image);
/** The lock of who makes this image: a descriptor to be closed, or -1 when somebody else does. */
int rescue_depot_lock_image(const RescueDepot *depot, const char *key, GError **error);
/** Holds an image against eviction until the descriptor is closed, and notes its use; -1 with error. */
int rescue_depot_hold_image(const RescueDepot *depot, const char *path, GError **error);
/** Removes one that nobody uses. */
bool rescue_depot_remove_image(const RescueDepot *depot, const RescueImage *image);

/**
 * Which images to remove so that `excess` bytes become free: orphaned ones always, then longest unused first, those in
 * use never. Pure: of RescueImage, borrowed; caller owns the array.
 */
GPtrArray *rescue_depot_choose_images(const GPtrArray *images, uint64_t excess);
/**
 * Carries that out, and removes what is left of images whose making broke off. What was used in the last minute stays.
 * How many bytes became free; `*ret_left`: how many bytes of images stay.
 */
uint64_t rescue_depot_evict_images(const RescueDepot *depot, uint64_t excess, uint64_t *ret_left);
