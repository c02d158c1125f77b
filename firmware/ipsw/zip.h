/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A reader of zip and zip64 archives that trusts nothing: every count and size has a maximum, the places of all
 * members are checked against each other before one of them is read, names that leave the archive's own folder are
 * refused, and memory does not grow with what the archive claims. Formats: PKWARE's APPNOTE 6.3, sections 4.3 and
 * 4.5. Errors carry a failure of the kind firmware-file: missing, unreadable, not-an-ipsw or damaged.
 */

#define RESCUE_ZIP_MAX_ENTRIES         65535u
#define RESCUE_ZIP_MAX_DIRECTORY_BYTES (32u * 1024 * 1024)
#define RESCUE_ZIP_MAX_NAME            1024u
#define RESCUE_ZIP_MAX_MEMBER_BYTES    (UINT64_C(64) << 30)
/** Deflate cannot do better than 1032 to 1: whoever claims more lies. */
#define RESCUE_ZIP_MAX_RATIO 1040u

typedef struct RescueZip RescueZip;

/** One member, as the central directory has it. */
typedef struct {
	char *name; /* relative, '/' between folders; a folder ends with '/' */
	uint64_t size;
	uint64_t packed_size;
	uint64_t offset; /* of its local header */
	uint32_t crc;
	bool stored; /* else deflated */
} RescueZipEntry;

/** Where the bytes of an archive come from when it is no file here; everything is borrowed. */
typedef struct {
	/** Exactly `count` bytes at `offset`, both within the size. */
	bool (*read)(void *self, void *buffer, size_t count, uint64_t offset, GError **error);
	void *self;
	uint64_t size;
} RescueZipSource;

/** Reads the directory of an archive elsewhere; `name` is what errors call it. The source must outlive it. */
RescueZip *rescue_zip_open_source(const char *name, const RescueZipSource *source, GError **error);
/** Reads the directory of a regular file. Caller owns. */
RescueZip *rescue_zip_open(const char *path, GError **error);
/** Accepts NULL. */
void rescue_zip_free(RescueZip *zip);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueZip, rescue_zip_free)
/** Size of the whole archive in bytes. */
uint64_t rescue_zip_size(const RescueZip *zip);
/** SHA-256 of the directory, hexadecimal: names, sizes and checksums of all members. Borrowed. */
const char *rescue_zip_directory_sha256(const RescueZip *zip);
size_t rescue_zip_count(const RescueZip *zip);
/** Borrowed; NULL beyond the end. */
const RescueZipEntry *rescue_zip_at(const RescueZip *zip, size_t index);
/** By its exact name; NULL when there is none. Borrowed. */
const RescueZipEntry *rescue_zip_find(const RescueZip *zip, const char *name);

/** A whole member, its CRC-32 checked; more than `max_bytes` is an error. NUL-terminated; caller frees. */
char *rescue_zip_read(const RescueZip *zip, const RescueZipEntry *entry, size_t max_bytes,
		      size_t *ret_size, GError **error);
/** Unpacks a member to nowhere: its size and CRC-32 fit. Bounded memory. */
bool rescue_zip_verify(const RescueZip *zip, const RescueZipEntry *entry, GError **error);
/** Gets the bytes of a member in their order; false with an error: no more of them. */
typedef bool (*RescueZipTake)(const uint8_t *bytes, size_t count, void *data, GError **error);
/**
 * Unpacks a member to `take`, never more than its entry says. True only when size and CRC-32 fit, which is known only
 * behind the last byte. Bounded memory.
 */
bool rescue_zip_unpack(const RescueZip *zip, const RescueZipEntry *entry, RescueZipTake take,
		       void *data, GError **error);
/** Its local header is there, names the same member, and its bytes lie before the directory. */
bool rescue_zip_check_place(const RescueZip *zip, const RescueZipEntry *entry, GError **error);
