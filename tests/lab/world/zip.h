/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * A zip writer that streams: stored or deflated members, zip64 where a number does not fit (APPNOTE.TXT 6.3.10, 4.3.9
 * and 4.5.3). Sizes and CRC stand in the local headers, which are patched when a member ends, so the output must be
 * seekable. Independent of the product's reader on purpose: the two check each other.
 */
typedef struct LabZip LabZip;

/** Writes to `out`, an empty file; `out` is borrowed. */
LabZip *lab_zip_new(FILE *out);
/** Accepts NULL. An archive that was not finished stays incomplete. */
void lab_zip_free(LabZip *zip);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LabZip, lab_zip_free)

/** Begins a member. `size` is what will be written, if known; 4 GiB or more, or UINT64_MAX, reserves zip64 fields. */
bool lab_zip_begin(LabZip *zip, const char *name, bool deflated, uint64_t size, GError **error);
bool lab_zip_write(LabZip *zip, const void *data, size_t size, GError **error);
bool lab_zip_end(LabZip *zip, GError **error);
/** The three in one. */
bool lab_zip_add(LabZip *zip, const char *name, bool deflated, GBytes *data, GError **error);
/** Writes the central directory. */
bool lab_zip_finish(LabZip *zip, GError **error);
/** Where the packed data of a member begins and how long it is; false when there is no such member. */
bool lab_zip_locate(const LabZip *zip, const char *name, uint64_t *ret_offset, uint64_t *ret_size);
