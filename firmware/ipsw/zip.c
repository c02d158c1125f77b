/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/ipsw/zip.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "firmware/ipsw/zip-internal.h"

#define END_SIGNATURE     0x06054b50u
#define END_BYTES         22u
#define END_MAX_COMMENT   65535u
#define LOCATOR_SIGNATURE 0x07064b50u
#define LOCATOR_BYTES     20u
#define END64_SIGNATURE   0x06064b50u
#define END64_BYTES       56u
#define ENTRY_SIGNATURE   0x02014b50u
#define ENTRY_BYTES       46u
#define EXTRA_ZIP64       0x0001u
#define IN_ZIP64_16       0xffffu
#define IN_ZIP64_32       0xffffffffu

/** Where the central directory lies. */
typedef struct {
	uint64_t offset, bytes, count;
	uint64_t record; /* where what points at it begins */
} Directory;

/** A part of the directory that was not read yet. */
typedef struct {
	const uint8_t *at;
	size_t left;
} Cursor;

static void
zip_entry_free(void *data)
{
	RescueZipEntry *entry = data;

	g_free(entry->name);
	g_free(entry);
}

bool
rescue_zip_damaged(const RescueZip *zip, GError **error, const char *format, ...)
{
	va_list args;
	g_autofree char *what = NULL;

	va_start(args, format);
	what = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_DAMAGED,
		    "‘%s’ is not a whole firmware file: %s", zip->path, what);
	return false;
}

bool
rescue_zip_pread(const RescueZip *zip, void *buffer, size_t count, uint64_t offset, GError **error)
{
	size_t done = 0;

	if (zip->source.read != NULL) {
		if (offset > zip->size || count > zip->size - offset)
			return rescue_zip_damaged(zip, error, "it ends too early");
		return zip->source.read(zip->source.self, buffer, count, offset, error);
	}
	while (done < count) {
		ssize_t got = pread(zip->fd, (char *)buffer + done, count - done,
				    (off_t)(offset + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_UNREADABLE,
				    "cannot read ‘%s’: %s", zip->path, g_strerror(errno));
			return false;
		}
		if (got == 0)
			return rescue_zip_damaged(zip, error, "it ends too early");
		done += (size_t)got;
	}
	return true;
}

/* says what a file is that has no end record: people save web pages and half downloads under this name */
static bool
no_archive(const RescueZip *zip, GError **error)
{
	uint8_t head[4] = { 0 };
	const char *what;

	if (zip->size < sizeof(head) || !rescue_zip_pread(zip, head, sizeof(head), 0, NULL))
		return rescue_zip_damaged(zip, error, "it is empty");
	if (zip_u32(head) == ZIP_LOCAL_SIGNATURE)
		return rescue_zip_damaged(
		    zip, error, "its end is missing, it was probably not downloaded to the end");
	what = head[0] == '<' ? "it is a web page or another text" : "it is not an archive";
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_NOT_IPSW,
		    "‘%s’ is no firmware file: %s", zip->path, what);
	return false;
}

/* the last end record whose comment reaches exactly to the end of the file */
static const uint8_t *
find_end(const uint8_t *tail, size_t size)
{
	size_t at;

	if (size < END_BYTES)
		return NULL;
	for (at = size - END_BYTES + 1; at-- > 0;) {
		if (zip_u32(tail + at) == END_SIGNATURE &&
		    at + END_BYTES + zip_u16(tail + at + 20) == size)
			return tail + at;
	}
	return NULL;
}

static bool
read_end64(const RescueZip *zip, uint64_t end_offset, Directory *ret, GError **error)
{
	uint8_t locator[LOCATOR_BYTES], end[END64_BYTES];
	uint64_t at;

	if (end_offset < LOCATOR_BYTES + END64_BYTES)
		return rescue_zip_damaged(zip, error, "its directory is missing");
	if (!rescue_zip_pread(zip, locator, sizeof(locator), end_offset - LOCATOR_BYTES, error))
		return false;
	at = zip_u64(locator + 8);
	if (zip_u32(locator) != LOCATOR_SIGNATURE || at > end_offset - LOCATOR_BYTES - END64_BYTES)
		return rescue_zip_damaged(zip, error, "its directory is missing");
	if (!rescue_zip_pread(zip, end, sizeof(end), at, error))
		return false;
	if (zip_u32(end) != END64_SIGNATURE || zip_u32(end + 16) != 0 || zip_u32(end + 20) != 0 ||
	    zip_u64(end + 24) != zip_u64(end + 32))
		return rescue_zip_damaged(zip, error, "its directory is missing");
	*ret = (Directory){ .count = zip_u64(end + 32),
			    .bytes = zip_u64(end + 40),
			    .offset = zip_u64(end + 48),
			    .record = at };
	return true;
}

static bool
read_end(const RescueZip *zip, Directory *ret, GError **error)
{
	size_t size = (size_t)MIN(zip->size, (uint64_t)(END_BYTES + END_MAX_COMMENT));
	g_autofree uint8_t *tail = g_malloc(MAX(size, 1));
	const uint8_t *end;
	uint64_t offset;

	if (!rescue_zip_pread(zip, tail, size, zip->size - size, error))
		return false;
	end = find_end(tail, size);
	if (end == NULL)
		return no_archive(zip, error);
	offset = zip->size - size + (uint64_t)(end - tail);
	if (zip_u16(end + 10) == IN_ZIP64_16 || zip_u32(end + 12) == IN_ZIP64_32 ||
	    zip_u32(end + 16) == IN_ZIP64_32)
		return read_end64(zip, offset, ret, error);
	if (zip_u16(end + 4) != 0 || zip_u16(end + 6) != 0 || zip_u16(end + 8) != zip_u16(end + 10))
		return rescue_zip_damaged(zip, error,
					  "it is one part of an archive in several files");
	*ret = (Directory){ .count = zip_u16(end + 10),
			    .bytes = zip_u32(end + 12),
			    .offset = zip_u32(end + 16),
			    .record = offset };
	return true;
}

static bool
check_directory(const RescueZip *zip, const Directory *directory, GError **error)
{
	if (directory->count > RESCUE_ZIP_MAX_ENTRIES)
		return rescue_zip_damaged(zip, error, "it claims %" G_GUINT64_FORMAT " members",
					  directory->count);
	if (directory->bytes > RESCUE_ZIP_MAX_DIRECTORY_BYTES)
		return rescue_zip_damaged(zip, error,
					  "its directory claims %" G_GUINT64_FORMAT " bytes",
					  directory->bytes);
	if (directory->offset > directory->record ||
	    directory->bytes > directory->record - directory->offset)
		return rescue_zip_damaged(zip, error, "its directory lies outside of it");
	return true;
}

/* relative, no "..", no empty part, no backslash, no control character: safe below any folder */
static bool
name_is_safe(const char *name, size_t length)
{
	g_auto(GStrv) parts = NULL;
	size_t i;

	/* a shorter string means that there was a NUL in the name */
	if (length == 0 || length > RESCUE_ZIP_MAX_NAME || strlen(name) != length ||
	    !g_utf8_validate(name, -1, NULL))
		return false;
	for (i = 0; i < length; i++) {
		if ((unsigned char)name[i] < ' ' || name[i] == '\\' || name[i] == 0x7f)
			return false;
	}
	parts = g_strsplit(name, "/", -1);
	for (i = 0; parts[i] != NULL; i++) {
		bool last = parts[i + 1] == NULL;
		if (strcmp(parts[i], "..") == 0 || strcmp(parts[i], ".") == 0)
			return false;
		if (*parts[i] == '\0' && (i == 0 || !last))
			return false;
	}
	return true;
}

/* takes one of the 64-bit values that follow each other when the 32-bit field is full */
static bool
take_u64(Cursor *extra, uint64_t *value)
{
	if (*value != IN_ZIP64_32)
		return true;
	if (extra->left < 8)
		return false;
	*value = zip_u64(extra->at);
	extra->at += 8;
	extra->left -= 8;
	return true;
}

static bool
read_extra64(const uint8_t *extra, size_t size, RescueZipEntry *entry)
{
	Cursor rest = { extra, size };

	if (entry->size != IN_ZIP64_32 && entry->packed_size != IN_ZIP64_32 &&
	    entry->offset != IN_ZIP64_32)
		return true;
	while (rest.left >= 4) {
		uint16_t id = zip_u16(rest.at), length = zip_u16(rest.at + 2);
		Cursor body = { rest.at + 4, length };
		if (length > rest.left - 4)
			return false;
		if (id == EXTRA_ZIP64)
			return take_u64(&body, &entry->size) &&
			       take_u64(&body, &entry->packed_size) &&
			       take_u64(&body, &entry->offset);
		rest.at += 4 + length;
		rest.left -= 4u + length;
	}
	return false;
}

static bool
check_sizes(const RescueZip *zip, const RescueZipEntry *entry, GError **error)
{
	if (entry->size > RESCUE_ZIP_MAX_MEMBER_BYTES || entry->packed_size > zip->size)
		return rescue_zip_damaged(zip, error, "member ‘%s’ claims an absurd size",
					  entry->name);
	if (entry->stored && entry->size != entry->packed_size)
		return rescue_zip_damaged(zip, error, "member ‘%s’ has two sizes", entry->name);
	if (entry->size / RESCUE_ZIP_MAX_RATIO > entry->packed_size)
		return rescue_zip_damaged(zip, error,
					  "member ‘%s’ claims more than its bytes can hold",
					  entry->name);
	if (entry->offset >= zip->directory_offset ||
	    zip->directory_offset - entry->offset <
		ZIP_LOCAL_BYTES + strlen(entry->name) + entry->packed_size)
		return rescue_zip_damaged(zip, error, "member ‘%s’ lies outside of it",
					  entry->name);
	return true;
}

/* the fixed part; where a value is in the extra field, it comes later */
static RescueZipEntry *
parse_entry(const uint8_t *p)
{
	RescueZipEntry *entry = g_new0(RescueZipEntry, 1);

	entry->name = g_strndup((const char *)p + ENTRY_BYTES, zip_u16(p + 28));
	entry->crc = zip_u32(p + 16);
	entry->packed_size = zip_u32(p + 20);
	entry->size = zip_u32(p + 24);
	entry->offset = zip_u32(p + 42);
	entry->stored = zip_u16(p + 10) == ZIP_METHOD_STORED;
	return entry;
}

static bool
is_packed_oddly(const uint8_t *p)
{
	uint16_t method = zip_u16(p + 10);

	return (zip_u16(p + 8) & ZIP_FLAG_ENCRYPTED) != 0 ||
	       (method != ZIP_METHOD_STORED && method != ZIP_METHOD_DEFLATED);
}

static bool
read_entry(RescueZip *zip, Cursor *cursor, GError **error)
{
	const uint8_t *p = cursor->at;
	RescueZipEntry *entry;
	size_t name, extra, whole;

	if (cursor->left < ENTRY_BYTES || zip_u32(p) != ENTRY_SIGNATURE)
		return rescue_zip_damaged(zip, error, "its directory is broken");
	name = zip_u16(p + 28);
	extra = zip_u16(p + 30);
	whole = ENTRY_BYTES + name + extra + zip_u16(p + 32);
	if (whole > cursor->left)
		return rescue_zip_damaged(zip, error, "its directory is broken");
	if (is_packed_oddly(p))
		return rescue_zip_damaged(zip, error, "it is packed in a way that no firmware is");
	entry = parse_entry(p);
	g_ptr_array_add(zip->entries, entry);
	if (!name_is_safe(entry->name, name))
		return rescue_zip_damaged(zip, error, "a member has a name that is not allowed");
	if (!read_extra64(p + ENTRY_BYTES + name, extra, entry))
		return rescue_zip_damaged(zip, error, "its directory is broken");
	cursor->at += whole;
	cursor->left -= whole;
	if (!check_sizes(zip, entry, error))
		return false;
	if (!g_hash_table_insert(zip->by_name, entry->name, entry))
		return rescue_zip_damaged(zip, error, "it has two members ‘%s’", entry->name);
	return true;
}

static int
compare_offsets(const void *a, const void *b)
{
	const RescueZipEntry *const *x = a, *const *y = b;

	return ((*x)->offset > (*y)->offset) - ((*x)->offset < (*y)->offset);
}

/* bombs reuse the same bytes for many members; honest archives never do */
static bool
check_overlap(const RescueZip *zip, GError **error)
{
	g_autoptr(GPtrArray) sorted = g_ptr_array_copy(zip->entries, NULL, NULL);
	uint64_t end = 0;
	unsigned i;

	/* the copy shares the entries: it must not free them */
	g_ptr_array_set_free_func(sorted, NULL);
	g_ptr_array_sort(sorted, compare_offsets);
	for (i = 0; i < sorted->len; i++) {
		const RescueZipEntry *entry = sorted->pdata[i];
		if (entry->offset < end)
			return rescue_zip_damaged(zip, error, "member ‘%s’ overlaps another",
						  entry->name);
		end = entry->offset + ZIP_LOCAL_BYTES + strlen(entry->name) + entry->packed_size;
	}
	return true;
}

static bool
read_directory(RescueZip *zip, GError **error)
{
	Directory directory = { 0 };
	g_autofree uint8_t *bytes = NULL;
	Cursor cursor;
	uint64_t i;

	if (!read_end(zip, &directory, error) || !check_directory(zip, &directory, error))
		return false;
	bytes = g_malloc(MAX((size_t)directory.bytes, 1));
	if (!rescue_zip_pread(zip, bytes, (size_t)directory.bytes, directory.offset, error))
		return false;
	zip->directory_offset = directory.offset;
	zip->directory_sha256 = g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes,
							    (gsize)directory.bytes);
	cursor = (Cursor){ bytes, (size_t)directory.bytes };
	for (i = 0; i < directory.count; i++) {
		if (!read_entry(zip, &cursor, error))
			return false;
	}
	if (cursor.left != 0)
		return rescue_zip_damaged(zip, error, "its directory holds more than it says");
	return check_overlap(zip, error);
}

static bool
open_file(RescueZip *zip, GError **error)
{
	struct stat info;

	/* a fifo would block the open itself */
	zip->fd = open(zip->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (zip->fd < 0 || fstat(zip->fd, &info) < 0) {
		bool missing = errno == ENOENT || errno == ENOTDIR;
		g_set_error(error, RESCUE_ERROR,
			    missing ? RESCUE_FAILURE_FIRMWARE_MISSING
				    : RESCUE_FAILURE_FIRMWARE_UNREADABLE,
			    "cannot open ‘%s’: %s", zip->path, g_strerror(errno));
		return false;
	}
	if (!S_ISREG(info.st_mode)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_NOT_IPSW,
			    "‘%s’ is not a file", zip->path);
		return false;
	}
	zip->size = (uint64_t)info.st_size;
	return true;
}

static RescueZip *
zip_new(const char *name)
{
	RescueZip *zip = g_new0(RescueZip, 1);

	zip->fd = -1;
	zip->path = g_strdup(name);
	zip->entries = g_ptr_array_new_with_free_func(zip_entry_free);
	zip->by_name = g_hash_table_new(g_str_hash, g_str_equal);
	return zip;
}

RescueZip *
rescue_zip_open_source(const char *name, const RescueZipSource *source, GError **error)
{
	g_autoptr(RescueZip) zip = zip_new(name);

	zip->source = *source;
	zip->size = source->size;
	return read_directory(zip, error) ? g_steal_pointer(&zip) : NULL;
}

RescueZip *
rescue_zip_open(const char *path, GError **error)
{
	g_autoptr(RescueZip) zip = zip_new(path);

	if (!open_file(zip, error) || !read_directory(zip, error))
		return NULL;
	return g_steal_pointer(&zip);
}

void
rescue_zip_free(RescueZip *zip)
{
	if (zip == NULL)
		return;
	if (zip->fd >= 0)
		(void)close(zip->fd);
	g_hash_table_unref(zip->by_name);
	g_ptr_array_unref(zip->entries);
	g_free(zip->directory_sha256);
	g_free(zip->path);
	g_free(zip);
}

uint64_t
rescue_zip_size(const RescueZip *zip)
{
	return zip->size;
}

const char *
rescue_zip_directory_sha256(const RescueZip *zip)
{
	return zip->directory_sha256;
}

size_t
rescue_zip_count(const RescueZip *zip)
{
	return zip->entries->len;
}

const RescueZipEntry *
rescue_zip_at(const RescueZip *zip, size_t index)
{
	return index < zip->entries->len ? zip->entries->pdata[index] : NULL;
}

const RescueZipEntry *
rescue_zip_find(const RescueZip *zip, const char *name)
{
	return g_hash_table_lookup(zip->by_name, name);
}
