/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/* Inner part of transport/engine: an unpacked system image, where the engine looks for one before it unpacks. */

typedef struct {
	const char *cache_dir; /* the engine's own */
	const char *ipsw;      /* as the engine is told it */
	const char *member;    /* the image's name in there */
	int generation;        /* see rescue_generation_number() */
	const char *image;     /* the unpacked image; read-only */
	uint64_t image_bytes;  /* that the archive's directory tells for it */
} RescueImagePlace;

/**
 * CACHE/NAME/MEMBER, where NAME is the archive's file name without what the generation takes for its extension: with
 * 1.0.0 a dot and at most five characters behind it, later from the last dot on when a letter follows. Both take what
 * is there when its size is that of the member, open it for reading only and leave it there. Sources: idevicerestore
 * 1.0.0, src/idevicerestore.c 908-953; of 2025, the same file 1137-1183. Caller frees. Pure.
 */
char *rescue_image_place_path(const RescueImagePlace *place);
/**
 * Puts the image there without a copy of its bytes: by a clone where the filesystem can, else by a hard link, else by
 * a symbolic link. An image of another size than the archive tells is refused: the engine would unpack over it.
 * HOST_IO.
 */
bool rescue_image_place(const RescueImagePlace *place, GError **error);
