/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "firmware/ipsw/manifest.h"

/*
 * Looks through a property list for texts with a zero character, before libplist sees it. Of the binary form only
 * what
 * finding all texts takes: trailer, table of offsets, markers. Source: CoreFoundation's CFBinaryPList.c.
 */

#define MARK          "bplist"
#define TRAILER_BYTES 32u
#define MAX_OBJECTS   (4u * 1024 * 1024)

enum { OBJECT_INT = 0x1, OBJECT_ASCII = 0x5, OBJECT_UTF16 = 0x6, LONG_COUNT = 0xf };

typedef struct {
	const uint8_t *data;
	size_t size;
} Bytes;

/* big endian; false beyond the end */
static bool
read_number(const Bytes *in, uint64_t offset, unsigned width, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (width == 0 || width > 8 || offset > in->size || in->size - offset < width)
		return false;
	for (unsigned i = 0; i < width; i++)
		value = value << 8 | in->data[offset + i];
	*ret_value = value;
	return true;
}

/* how many characters, and where they begin */
static bool
read_count(const Bytes *in, uint64_t *offset, uint64_t *ret_count)
{
	uint8_t marker = in->data[*offset];

	*ret_count = marker & 0x0f;
	*offset += 1;
	if (*ret_count != LONG_COUNT)
		return true;
	if (*offset >= in->size || in->data[*offset] >> 4 != OBJECT_INT ||
	    (in->data[*offset] & 0x0f) > 3)
		return false;
	unsigned width = 1u << (in->data[*offset] & 0x0f);
	if (!read_number(in, *offset + 1, width, ret_count))
		return false;
	*offset += 1 + width;
	return true;
}

static bool
text_is_safe(const Bytes *in, uint64_t offset)
{
	unsigned width = in->data[offset] >> 4 == OBJECT_UTF16 ? 2 : 1;
	uint64_t count;

	if (!read_count(in, &offset, &count) || offset > in->size ||
	    count > (in->size - offset) / width)
		return false;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t character;
		if (!read_number(in, offset + i * width, width, &character) || character == 0)
			return false;
	}
	return true;
}

static bool
binary_is_safe(const Bytes *in)
{
	uint64_t trailer = in->size - TRAILER_BYTES, count, table;

	if (in->size < TRAILER_BYTES + strlen(MARK) || !read_number(in, trailer + 8, 8, &count) ||
	    count > MAX_OBJECTS || !read_number(in, trailer + 24, 8, &table) || table > in->size)
		return false;
	unsigned width = in->data[trailer + 6];
	for (uint64_t i = 0; i < count; i++) {
		uint64_t offset;
		if (!read_number(in, table + i * width, width, &offset) || offset >= in->size)
			return false;
		unsigned type = in->data[offset] >> 4;
		if ((type == OBJECT_ASCII || type == OBJECT_UTF16) && !text_is_safe(in, offset))
			return false;
	}
	return true;
}

bool
rescue_plist_is_safe(const char *data, size_t size)
{
	const Bytes in = { (const uint8_t *)data, size };

	if (size >= strlen(MARK) && memcmp(data, MARK, strlen(MARK)) == 0)
		return binary_is_safe(&in);
	return memchr(data, '\0', size) == NULL;
}
