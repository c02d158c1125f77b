/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/ipsw/zip-internal.h"

#include <string.h>

#include <zlib.h>

#include "core/base/error.h"
#include "core/failure/failure.h"

#define CHUNK_BYTES (128u * 1024)

/** Where unpacked bytes go: counted and summed always, kept or passed on when somebody wants them. */
typedef struct {
	uint64_t count;
	uLong crc;
	char *buffer; /* holds `limit` bytes, or NULL */
	uint64_t limit;
	RescueZipTake take; /* NULL: nobody */
	void *data;
	GError *refusal; /* of `take` */
} Sink;

/* false when the member holds more than its directory entry says, or nobody wants more */
static bool
sink_take(Sink *sink, const uint8_t *bytes, size_t count)
{
	if (count > sink->limit - sink->count)
		return false;
	if (sink->take != NULL && count > 0 &&
	    !sink->take(bytes, count, sink->data, &sink->refusal))
		return false;
	if (sink->buffer != NULL)
		memcpy(sink->buffer + sink->count, bytes, count);
	sink->crc = crc32(sink->crc, bytes, (uInt)count);
	sink->count += count;
	return true;
}

static bool
find_data(const RescueZip *zip, const RescueZipEntry *entry, uint64_t *ret_offset, GError **error)
{
	uint8_t head[ZIP_LOCAL_BYTES];
	g_autofree char *name = NULL;
	size_t length = strlen(entry->name);
	uint64_t start;

	if (!rescue_zip_pread(zip, head, sizeof(head), entry->offset, error))
		return false;
	name = g_malloc0(length + 1);
	if (zip_u32(head) != ZIP_LOCAL_SIGNATURE || zip_u16(head + 26) != length ||
	    !rescue_zip_pread(zip, name, length, entry->offset + ZIP_LOCAL_BYTES, NULL) ||
	    memcmp(name, entry->name, length) != 0)
		return rescue_zip_damaged(zip, error, "member ‘%s’ is not where its directory says",
					  entry->name);
	if ((zip_u16(head + 8) == ZIP_METHOD_STORED) != entry->stored)
		return rescue_zip_damaged(zip, error, "member ‘%s’ is packed in two ways",
					  entry->name);
	start = entry->offset + ZIP_LOCAL_BYTES + length + zip_u16(head + 28);
	if (start > zip->directory_offset || entry->packed_size > zip->directory_offset - start)
		return rescue_zip_damaged(zip, error, "member ‘%s’ lies outside of it",
					  entry->name);
	*ret_offset = start;
	return true;
}

bool
rescue_zip_check_place(const RescueZip *zip, const RescueZipEntry *entry, GError **error)
{
	uint64_t offset = 0;

	return find_data(zip, entry, &offset, error);
}

/* hands one packed chunk to zlib and what comes out of it to the sink */
static int
inflate_chunk(z_stream *stream, uint8_t *out, Sink *sink)
{
	int rc = Z_OK;

	do {
		stream->next_out = out;
		stream->avail_out = CHUNK_BYTES;
		rc = inflate(stream, Z_NO_FLUSH);
		if (rc == Z_BUF_ERROR)
			return Z_OK;
		if (rc != Z_OK && rc != Z_STREAM_END)
			return Z_DATA_ERROR;
		if (!sink_take(sink, out, CHUNK_BYTES - stream->avail_out))
			return Z_DATA_ERROR;
	} while (rc != Z_STREAM_END && stream->avail_out == 0);
	return rc;
}

static bool
unpack_deflated(const RescueZip *zip, const RescueZipEntry *entry, uint64_t offset, Sink *sink,
		GError **error)
{
	g_autofree uint8_t *in = g_malloc(CHUNK_BYTES);
	g_autofree uint8_t *out = g_malloc(CHUNK_BYTES);
	uint64_t left = entry->packed_size;
	z_stream stream = { 0 };
	bool fine = true;
	int rc = Z_OK;

	if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
			    "cannot start unpacking ‘%s’", entry->name);
		return false;
	}
	while (fine && rc == Z_OK && left > 0) {
		size_t count = (size_t)MIN(left, (uint64_t)CHUNK_BYTES);
		fine = rescue_zip_pread(zip, in, count, offset, error);
		if (!fine)
			break;
		stream.next_in = in;
		stream.avail_in = (uInt)count;
		rc = inflate_chunk(&stream, out, sink);
		offset += count;
		left -= count;
	}
	(void)inflateEnd(&stream);
	if (fine && rc != Z_STREAM_END)
		return rescue_zip_damaged(zip, error, "member ‘%s’ cannot be unpacked",
					  entry->name);
	return fine;
}

static bool
unpack_stored(const RescueZip *zip, const RescueZipEntry *entry, uint64_t offset, Sink *sink,
	      GError **error)
{
	g_autofree uint8_t *chunk = g_malloc(CHUNK_BYTES);
	uint64_t left = entry->packed_size;

	while (left > 0) {
		size_t count = (size_t)MIN(left, (uint64_t)CHUNK_BYTES);
		if (!rescue_zip_pread(zip, chunk, count, offset, error))
			return false;
		if (!sink_take(sink, chunk, count))
			return rescue_zip_damaged(zip, error, "member ‘%s’ is too long",
						  entry->name);
		offset += count;
		left -= count;
	}
	return true;
}

static bool
unpack_bytes(const RescueZip *zip, const RescueZipEntry *entry, Sink *sink, GError **error)
{
	uint64_t offset = 0;

	sink->crc = crc32(0, NULL, 0);
	sink->limit = entry->size;
	if (!find_data(zip, entry, &offset, error))
		return false;
	return (entry->stored ? unpack_stored : unpack_deflated)(zip, entry, offset, sink, error);
}

static bool
unpack(const RescueZip *zip, const RescueZipEntry *entry, Sink *sink, GError **error)
{
	GError *broken = NULL;
	bool fine = unpack_bytes(zip, entry, sink, &broken);

	/* who refuses more bytes knows better why it ended than who was unpacking */
	if (sink->refusal != NULL) {
		g_clear_error(&broken);
		broken = sink->refusal;
	}
	if (!fine) {
		g_propagate_error(error, broken);
		return false;
	}
	if (sink->count != entry->size || (uint32_t)sink->crc != entry->crc)
		return rescue_zip_damaged(zip, error,
					  "member ‘%s’ is damaged, its checksum does not fit",
					  entry->name);
	return true;
}

char *
rescue_zip_read(const RescueZip *zip, const RescueZipEntry *entry, size_t max_bytes,
		size_t *ret_size, GError **error)
{
	g_autofree char *buffer = NULL;
	Sink sink = { 0 };

	if (entry->size > max_bytes) {
		(void)rescue_zip_damaged(zip, error, "member ‘%s’ is larger than %zu bytes",
					 entry->name, max_bytes);
		return NULL;
	}
	buffer = g_malloc((size_t)entry->size + 1);
	sink.buffer = buffer;
	if (!unpack(zip, entry, &sink, error))
		return NULL;
	buffer[entry->size] = '\0';
	if (ret_size != NULL)
		*ret_size = (size_t)entry->size;
	return g_steal_pointer(&buffer);
}

bool
rescue_zip_verify(const RescueZip *zip, const RescueZipEntry *entry, GError **error)
{
	Sink sink = { 0 };

	return unpack(zip, entry, &sink, error);
}

bool
rescue_zip_unpack(const RescueZip *zip, const RescueZipEntry *entry, RescueZipTake take, void *data,
		  GError **error)
{
	Sink sink = { .take = take, .data = data };

	return unpack(zip, entry, &sink, error);
}
