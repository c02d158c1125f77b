/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/zip.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <zlib.h>

enum {
	SIGNATURE_LOCAL = 0x04034b50,
	SIGNATURE_CENTRAL = 0x02014b50,
	SIGNATURE_END = 0x06054b50,
	SIGNATURE_END64 = 0x06064b50,
	SIGNATURE_LOCATOR64 = 0x07064b50,
	VERSION = 20,
	VERSION_ZIP64 = 45,
	MADE_BY_UNIX = 3 << 8,
	METHOD_STORED = 0,
	METHOD_DEFLATED = 8,
	DOS_DATE_1980 =
	    0x21, /* the first day that zip knows: content must not depend on the clock */
	EXTRA_ZIP64 = 1,
	LOCAL_HEADER_SIZE = 30,
	OUT_BUFFER = 64 * 1024,
};

static const uint32_t full32 = 0xffffffff;
static const uint16_t full16 = 0xffff;

typedef struct {
	char *name;
	bool deflated, zip64;
	uint32_t crc;
	uint64_t offset, packed, size;
} Member;

struct LabZip {
	FILE *out;
	GPtrArray *members;
	Member *open;
	uint64_t position;
	z_stream stream;
	uint8_t *buffer;
};

static void
member_free(void *data)
{
	Member *member = data;
	g_free(member->name);
	g_free(member);
}

static void
put16(GByteArray *out, uint16_t value)
{
	uint16_t little = GUINT16_TO_LE(value);
	g_byte_array_append(out, (const guint8 *)&little, sizeof little);
}

static void
put32(GByteArray *out, uint32_t value)
{
	uint32_t little = GUINT32_TO_LE(value);
	g_byte_array_append(out, (const guint8 *)&little, sizeof little);
}

static void
put64(GByteArray *out, uint64_t value)
{
	uint64_t little = GUINT64_TO_LE(value);
	g_byte_array_append(out, (const guint8 *)&little, sizeof little);
}

static bool
failed(GError **error, const char *what)
{
	int saved = errno;
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(saved),
		    "cannot write the archive: %s: %s", what, g_strerror(saved));
	return false;
}

static bool
write_raw(LabZip *zip, const void *data, size_t size, GError **error)
{
	if (size > 0 && fwrite(data, 1, size, zip->out) != size)
		return failed(error, "write");
	zip->position += size;
	return true;
}

static uint32_t
low32(uint64_t value)
{
	return value >= full32 ? full32 : (uint32_t)value;
}

static GByteArray *
local_header(const Member *member)
{
	GByteArray *header = g_byte_array_new();
	put32(header, SIGNATURE_LOCAL);
	put16(header, member->zip64 ? VERSION_ZIP64 : VERSION);
	put16(header, 0);
	put16(header, member->deflated ? METHOD_DEFLATED : METHOD_STORED);
	put16(header, 0);
	put16(header, DOS_DATE_1980);
	put32(header, member->crc);
	put32(header, member->zip64 ? full32 : (uint32_t)member->packed);
	put32(header, member->zip64 ? full32 : (uint32_t)member->size);
	put16(header, (uint16_t)strlen(member->name));
	put16(header, member->zip64 ? 20 : 0);
	g_byte_array_append(header, (const guint8 *)member->name, (guint)strlen(member->name));
	if (member->zip64) {
		put16(header, EXTRA_ZIP64);
		put16(header, 16);
		put64(header, member->size);
		put64(header, member->packed);
	}
	return header;
}

/* only the fields that do not fit their place stand in the extra field, in this order */
static GByteArray *
central_extra(const Member *member)
{
	GByteArray *fields = g_byte_array_new();
	if (member->size >= full32)
		put64(fields, member->size);
	if (member->packed >= full32)
		put64(fields, member->packed);
	if (member->offset >= full32)
		put64(fields, member->offset);
	GByteArray *extra = g_byte_array_new();
	if (fields->len > 0) {
		put16(extra, EXTRA_ZIP64);
		put16(extra, (uint16_t)fields->len);
		g_byte_array_append(extra, fields->data, fields->len);
	}
	g_byte_array_unref(fields);
	return extra;
}

static void
append_central(GByteArray *out, const Member *member)
{
	g_autoptr(GByteArray) extra = central_extra(member);
	put32(out, SIGNATURE_CENTRAL);
	put16(out, MADE_BY_UNIX | VERSION_ZIP64);
	put16(out, member->zip64 || extra->len > 0 ? VERSION_ZIP64 : VERSION);
	put16(out, 0);
	put16(out, member->deflated ? METHOD_DEFLATED : METHOD_STORED);
	put16(out, 0);
	put16(out, DOS_DATE_1980);
	put32(out, member->crc);
	put32(out, low32(member->packed));
	put32(out, low32(member->size));
	put16(out, (uint16_t)strlen(member->name));
	put16(out, (uint16_t)extra->len);
	put16(out, 0);                       /* comment */
	put16(out, 0);                       /* disk */
	put16(out, 0);                       /* internal attributes */
	put32(out, (uint32_t)0100644 << 16); /* a plain file */
	put32(out, low32(member->offset));
	g_byte_array_append(out, (const guint8 *)member->name, (guint)strlen(member->name));
	g_byte_array_append(out, extra->data, extra->len);
}

static void
append_end(GByteArray *out, uint64_t count, uint64_t size, uint64_t offset)
{
	bool zip64 = count >= full16 || offset >= full32 || size >= full32;
	if (zip64) {
		uint64_t at = offset + size;
		put32(out, SIGNATURE_END64);
		put64(out, 44); /* what follows of this record */
		put16(out, MADE_BY_UNIX | VERSION_ZIP64);
		put16(out, VERSION_ZIP64);
		put32(out, 0);
		put32(out, 0);
		put64(out, count);
		put64(out, count);
		put64(out, size);
		put64(out, offset);
		put32(out, SIGNATURE_LOCATOR64);
		put32(out, 0);
		put64(out, at);
		put32(out, 1);
	}
	put32(out, SIGNATURE_END);
	put16(out, 0);
	put16(out, 0);
	put16(out, count >= full16 ? full16 : (uint16_t)count);
	put16(out, count >= full16 ? full16 : (uint16_t)count);
	put32(out, low32(size));
	put32(out, low32(offset));
	put16(out, 0);
}

static bool
deflate_some(LabZip *zip, int flush, GError **error)
{
	int status = Z_OK;
	do {
		zip->stream.next_out = zip->buffer;
		zip->stream.avail_out = OUT_BUFFER;
		status = deflate(&zip->stream, flush);
		size_t made = OUT_BUFFER - zip->stream.avail_out;
		if (!write_raw(zip, zip->buffer, made, error))
			return false;
	} while (zip->stream.avail_out == 0 || (flush == Z_FINISH && status != Z_STREAM_END));
	return true;
}

static bool
rewrite_header(LabZip *zip, const Member *member, GError **error)
{
	g_autoptr(GByteArray) header = local_header(member);
	if (fseeko(zip->out, (off_t)member->offset, SEEK_SET) != 0)
		return failed(error, "seek");
	if (fwrite(header->data, 1, header->len, zip->out) != header->len)
		return failed(error, "write");
	if (fseeko(zip->out, (off_t)zip->position, SEEK_SET) != 0)
		return failed(error, "seek");
	return true;
}

LabZip *
lab_zip_new(FILE *out)
{
	g_return_val_if_fail(out != NULL, NULL);

	LabZip *zip = g_new0(LabZip, 1);
	zip->out = out;
	zip->members = g_ptr_array_new_with_free_func(member_free);
	zip->buffer = g_malloc(OUT_BUFFER);
	return zip;
}

void
lab_zip_free(LabZip *zip)
{
	if (zip == NULL)
		return;
	if (zip->open != NULL && zip->open->deflated)
		(void)deflateEnd(&zip->stream);
	g_ptr_array_unref(zip->members);
	g_free(zip->buffer);
	g_free(zip);
}

bool
lab_zip_begin(LabZip *zip, const char *name, bool deflated, uint64_t size, GError **error)
{
	g_return_val_if_fail(zip->open == NULL && strlen(name) < full16, false);

	Member *member = g_new0(Member, 1);
	member->name = g_strdup(name);
	member->deflated = deflated;
	/* deflate may grow what it cannot pack, by far less than this */
	member->zip64 = size >= full32 - (1U << 20);
	member->offset = zip->position;
	g_ptr_array_add(zip->members, member);
	zip->open = member;
	if (deflated) {
		zip->stream = (z_stream){ 0 };
		/* negative window bits: raw deflate, as zip wants it */
		(void)deflateInit2(&zip->stream, Z_BEST_SPEED, Z_DEFLATED, -MAX_WBITS, 8,
				   Z_DEFAULT_STRATEGY);
	}
	g_autoptr(GByteArray) header = local_header(member);
	return write_raw(zip, header->data, header->len, error);
}

bool
lab_zip_write(LabZip *zip, const void *data, size_t size, GError **error)
{
	g_return_val_if_fail(zip->open != NULL && size <= G_MAXUINT32, false);

	zip->open->crc = (uint32_t)crc32(zip->open->crc, data, (uInt)size);
	zip->open->size += size;
	if (!zip->open->deflated)
		return write_raw(zip, data, size, error);
	zip->stream.next_in = (Bytef *)data;
	zip->stream.avail_in = (uInt)size;
	return size == 0 || deflate_some(zip, Z_NO_FLUSH, error);
}

bool
lab_zip_end(LabZip *zip, GError **error)
{
	g_return_val_if_fail(zip->open != NULL, false);

	Member *member = zip->open;
	bool ok = !member->deflated || deflate_some(zip, Z_FINISH, error);
	if (member->deflated)
		(void)deflateEnd(&zip->stream);
	zip->open = NULL;
	size_t header_size = LOCAL_HEADER_SIZE + strlen(member->name) + (member->zip64 ? 20 : 0);
	member->packed = zip->position - member->offset - header_size;
	return ok && rewrite_header(zip, member, error);
}

bool
lab_zip_add(LabZip *zip, const char *name, bool deflated, GBytes *data, GError **error)
{
	gsize size = 0;
	const void *bytes = g_bytes_get_data(data, &size);
	return lab_zip_begin(zip, name, deflated, size, error) &&
	       lab_zip_write(zip, bytes, size, error) && lab_zip_end(zip, error);
}

bool
lab_zip_finish(LabZip *zip, GError **error)
{
	g_return_val_if_fail(zip->open == NULL, false);

	g_autoptr(GByteArray) directory = g_byte_array_new();
	for (guint i = 0; i < zip->members->len; i++)
		append_central(directory, g_ptr_array_index(zip->members, i));
	append_end(directory, zip->members->len, directory->len, zip->position);
	if (!write_raw(zip, directory->data, directory->len, error))
		return false;
	return fflush(zip->out) == 0 || failed(error, "flush");
}

bool
lab_zip_locate(const LabZip *zip, const char *name, uint64_t *ret_offset, uint64_t *ret_size)
{
	for (guint i = 0; i < zip->members->len; i++) {
		const Member *member = g_ptr_array_index(zip->members, i);
		if (strcmp(member->name, name) != 0)
			continue;
		*ret_offset = member->offset + LOCAL_HEADER_SIZE + strlen(name) +
			      (member->zip64 ? 20 : 0);
		*ret_size = member->packed;
		return true;
	}
	return false;
}
