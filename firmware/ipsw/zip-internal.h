/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "firmware/ipsw/zip.h"

/* Shared by zip.c (the directory) and zip-read.c (the members). */

#define ZIP_LOCAL_SIGNATURE 0x04034b50u
#define ZIP_LOCAL_BYTES     30u
#define ZIP_METHOD_STORED   0u
#define ZIP_METHOD_DEFLATED 8u
#define ZIP_FLAG_ENCRYPTED  0x0001u

struct RescueZip {
	int fd;
	RescueZipSource source; /* its read is NULL: fd */
	char *path;
	uint64_t size;
	uint64_t directory_offset; /* members end before it */
	char *directory_sha256;
	GPtrArray *entries;  /* RescueZipEntry, in the order of the directory */
	GHashTable *by_name; /* borrowed name → borrowed entry */
};

static inline uint16_t
zip_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t
zip_u32(const uint8_t *p)
{
	return (uint32_t)zip_u16(p) | (uint32_t)zip_u16(p + 2) << 16;
}

static inline uint64_t
zip_u64(const uint8_t *p)
{
	return (uint64_t)zip_u32(p) | (uint64_t)zip_u32(p + 4) << 32;
}

/** Exactly `count` bytes at `offset`; an early end of the file is damage, anything else the disk's fault. */
bool rescue_zip_pread(const RescueZip *zip, void *buffer, size_t count, uint64_t offset,
		      GError **error);
/** Sets a FIRMWARE_DAMAGED error that names the file; always false. */
bool rescue_zip_damaged(const RescueZip *zip, GError **error, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
