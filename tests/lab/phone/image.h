/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/lab/scenario/fault.h"

/** What a loader makes of an uploaded file by its first bytes. */
typedef struct {
	const char *name; /* as a BuildManifest names it; static */
	LabPoint point;   /* at which its upload can fail; LAB_AT_LAST: at none */
} LabImage;

/** Enough of a file to tell what it is. */
enum { LAB_IMAGE_HEAD = 256 };

/** Size of the whole file as its head tells; 0 when it is no image. */
uint64_t lab_image_size(const uint8_t *head, size_t size);
/**
 * Recognises Image4 (IMG4 or IM4P in DER) and img3 by type. NULL when it is neither, "other" when
 * the type is unknown. `head` holds the first `size` bytes. Static.
 */
const LabImage *lab_image_identify(const uint8_t *head, size_t size);
/**
 * True for the ramdisk of an update. A real one differs from an erasing one by its programs; ours
 * begins, within the head, with the words "LABRAMDISK Update", the other with "LABRAMDISK Erase".
 */
bool lab_image_is_update_ramdisk(const uint8_t *head, size_t size);
/** Build train of the ramdisk, told behind those words ("LABRAMDISK Erase 19A346"); 0: it does not say. */
unsigned lab_image_ramdisk_train(const uint8_t *head, size_t size);
