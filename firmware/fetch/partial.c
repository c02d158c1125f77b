/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/fetch/partial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/parse.h"
#include "core/base/path.h"
#include "core/failure/failure.h"

/* the state file: identity, then the two blocks with what is here */
#define BLOCK     4096u
#define BLOCKS    3u
#define MAX_SPANS 64u

struct RescuePartial {
	char *path, *state_path;
	int fd, state_fd;
	bool known;
	RescuePartialIdentity identity;
	GArray *spans;
	uint64_t number; /* of the block that was written last */
};

static bool
fail(GError **error, const char *what, const char *path)
{
	int code = errno;

	g_set_error(error, RESCUE_ERROR,
		    code == ENOSPC || code == EDQUOT ? (int)RESCUE_FAILURE_NO_SPACE
						     : RESCUE_ERROR_HOST_IO,
		    "cannot %s ‘%s’: %s", what, path, g_strerror(code));
	return false;
}

static void
clear_identity(RescuePartialIdentity *identity)
{
	g_free(identity->url);
	g_free(identity->etag);
	g_free(identity->modified);
	*identity = (RescuePartialIdentity){ 0 };
}

/* "CHECKSUM text\n", filled up with blanks */
static void
seal(char block[BLOCK], const char *text)
{
	size_t size = strlen(text);
	unsigned long sum = crc32(0, (const unsigned char *)text, (unsigned)size);

	memset(block, ' ', BLOCK);
	(void)g_snprintf(block, BLOCK, "%08lx %s\n", sum, text);
	block[size + 10] = ' ';
}

/* the text of a block, NULL when it is not as it was written; caller frees */
static char *
unseal(const char *block)
{
	const char *end = memchr(block, '\n', BLOCK);
	g_autofree char *text = NULL, *sum = NULL;

	if (end == NULL || end - block < 9)
		return NULL;
	text = g_strndup(block + 9, (size_t)(end - block) - 9);
	sum = g_strdup_printf("%08lx ",
			      crc32(0, (const unsigned char *)text, (unsigned)strlen(text)));
	return memcmp(sum, block, 9) == 0 ? g_steal_pointer(&text) : NULL;
}

static char *
format_identity(const RescuePartialIdentity *identity)
{
	g_autoptr(RescueJson) json = rescue_json_object_new();

	rescue_json_set_int(json, "v", 1);
	rescue_json_set_string(json, "url", identity->url);
	rescue_json_set_string(json, "etag", identity->etag);
	rescue_json_set_string(json, "modified", identity->modified);
	rescue_json_set_int(json, "size", (int64_t)identity->size);
	return rescue_json_dump(json);
}

static bool
read_identity(RescuePartial *partial, const char *block)
{
	g_autofree char *text = unseal(block);
	g_autoptr(RescueJson) json = text != NULL ? rescue_json_parse(text, strlen(text), NULL)
						  : NULL;
	int64_t size = 0;

	if (json == NULL || !rescue_json_get_int(json, "size", &size) || size <= 0)
		return false;
	partial->identity = (RescuePartialIdentity){
		.url = g_strdup(rescue_json_get_string(json, "url")),
		.etag = g_strdup(rescue_json_get_string(json, "etag")),
		.modified = g_strdup(rescue_json_get_string(json, "modified")),
		.size = (uint64_t)size,
	};
	partial->known = true;
	return true;
}

static bool
read_span(const char *word, RescueSpan *ret_span)
{
	g_auto(GStrv) ends = g_strsplit(word, "-", 2);

	return g_strv_length(ends) == 2 &&
	       rescue_parse_uint(ends[0], 0, G_MAXINT64, &ret_span->first, NULL) &&
	       rescue_parse_uint(ends[1], 0, G_MAXINT64, &ret_span->end, NULL);
}

/* "NUMBER FIRST-END FIRST-END …"; NULL when it is older than what is known, or broken. Caller owns */
static GArray *
read_spans(const char *block, uint64_t *number)
{
	g_autofree char *text = unseal(block);
	g_auto(GStrv) words = text != NULL ? g_strsplit(text, " ", MAX_SPANS + 2) : NULL;
	g_autoptr(GArray) spans = g_array_new(FALSE, FALSE, sizeof(RescueSpan));
	uint64_t this_number;

	if (words == NULL || !rescue_parse_uint(words[0], 1, G_MAXINT64, &this_number, NULL) ||
	    this_number <= *number)
		return NULL;
	for (char **word = words + 1; *word != NULL; word++) {
		RescueSpan span;
		if (!read_span(*word, &span))
			return NULL;
		g_array_append_val(spans, span);
	}
	*number = this_number;
	return g_steal_pointer(&spans);
}

static void
read_state(RescuePartial *partial)
{
	size_t size = 0;
	g_autofree char *text = rescue_path_read(partial->state_path, BLOCKS * BLOCK, &size, NULL);

	if (text == NULL || size != BLOCKS * BLOCK || !read_identity(partial, text))
		return;
	for (unsigned i = 1; i < BLOCKS; i++) {
		GArray *spans = read_spans(text + i * BLOCK, &partial->number);
		if (spans == NULL)
			continue;
		g_array_unref(partial->spans);
		partial->spans = spans;
	}
}

static RescuePartial *
new_partial(const char *path)
{
	RescuePartial *partial = g_new0(RescuePartial, 1);

	partial->path = g_strdup(path);
	partial->state_path = g_strconcat(path, ".state", NULL);
	partial->fd = partial->state_fd = -1;
	partial->spans = g_array_new(FALSE, FALSE, sizeof(RescueSpan));
	return partial;
}

RescuePartial *
rescue_partial_open(const char *path, GError **error)
{
	g_autoptr(RescuePartial) partial = new_partial(path);

	partial->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (partial->fd < 0) {
		(void)fail(error, "open", path);
		return NULL;
	}
	read_state(partial);
	if (partial->known)
		partial->state_fd = open(partial->state_path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (partial->state_fd < 0)
		partial->known = false;
	return g_steal_pointer(&partial);
}

void
rescue_partial_close(RescuePartial *partial)
{
	if (partial == NULL)
		return;
	if (partial->fd >= 0)
		(void)close(partial->fd);
	if (partial->state_fd >= 0)
		(void)close(partial->state_fd);
	clear_identity(&partial->identity);
	g_array_unref(partial->spans);
	g_free(partial->path);
	g_free(partial->state_path);
	g_free(partial);
}

const RescuePartialIdentity *
rescue_partial_identity(const RescuePartial *partial)
{
	return partial->known ? &partial->identity : NULL;
}

const GArray *
rescue_partial_spans(const RescuePartial *partial)
{
	return partial->spans;
}

/* a disk that knows no reservations tells when it is full by itself */
static bool
reserve(RescuePartial *partial, uint64_t size, GError **error)
{
	if (size == RESCUE_SIZE_UNKNOWN ||
	    fallocate(partial->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size) == 0 ||
	    (errno != ENOSPC && errno != EDQUOT))
		return true;
	return fail(error, "reserve room for", partial->path);
}

static void
seal_spans(char block[BLOCK], uint64_t number, const RescueRanges *ranges)
{
	g_autoptr(GArray) spans = rescue_ranges_spans(ranges);
	g_autoptr(GString) text = g_string_new(NULL);

	g_string_append_printf(text, "%" G_GUINT64_FORMAT, number);
	for (guint i = 0; i < MIN(spans->len, MAX_SPANS); i++) {
		const RescueSpan *span = &g_array_index(spans, RescueSpan, i);
		g_string_append_printf(text, " %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT,
				       span->first, span->end);
	}
	seal(block, text->str);
}

/* which block has the state of this number: never the one that has the state before it */
static unsigned
turn(uint64_t number)
{
	return 1 + (unsigned)(number % (BLOCKS - 1));
}

static bool
write_state(RescuePartial *partial, const RescueRanges *keep, GError **error)
{
	g_autofree char *blocks = g_malloc0(BLOCKS * BLOCK);
	g_autofree char *text = format_identity(&partial->identity);

	if (strlen(text) + 11 > BLOCK) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "the address of the file is too long");
		return false;
	}
	seal(blocks, text);
	partial->number++;
	if (keep != NULL)
		seal_spans(blocks + turn(partial->number) * BLOCK, partial->number, keep);
	if (!rescue_path_write(partial->state_path, blocks, BLOCKS * BLOCK, 0644, error))
		return false;
	if (partial->state_fd >= 0)
		(void)close(partial->state_fd);
	partial->state_fd = open(partial->state_path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	return partial->state_fd >= 0 || fail(error, "open", partial->state_path);
}

bool
rescue_partial_begin(RescuePartial *partial, const RescuePartialIdentity *identity,
		     const RescueRanges *keep, GError **error)
{
	RescuePartialIdentity copy = { g_strdup(identity->url), g_strdup(identity->etag),
				       g_strdup(identity->modified), identity->size };

	clear_identity(&partial->identity);
	partial->identity = copy;
	g_array_set_size(partial->spans, 0);
	if (keep == NULL && ftruncate(partial->fd, 0) < 0)
		return fail(error, "empty", partial->path);
	if (!reserve(partial, identity->size, error) || !write_state(partial, keep, error))
		return false;
	partial->known = true;
	return true;
}

bool
rescue_partial_write(RescuePartial *partial, const void *bytes, size_t size, uint64_t offset,
		     GError **error)
{
	const char *from = bytes;

	while (size > 0) {
		ssize_t put = pwrite(partial->fd, from, size, (off_t)offset);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return fail(error, "write to", partial->path);
		from += put;
		offset += (uint64_t)put;
		size -= (size_t)put;
	}
	return true;
}

int64_t
rescue_partial_read(const RescuePartial *partial, void *bytes, size_t size, uint64_t offset,
		    GError **error)
{
	ssize_t got;

	do
		got = pread(partial->fd, bytes, size, (off_t)offset);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		(void)fail(error, "read", partial->path);
	return got;
}

bool
rescue_partial_save(RescuePartial *partial, const RescueRanges *ranges, GError **error)
{
	char block[BLOCK];
	off_t offset = (off_t)turn(partial->number + 1) * BLOCK;

	if (!partial->known)
		return true;
	seal_spans(block, ++partial->number, ranges);
	if (pwrite(partial->state_fd, block, BLOCK, offset) == (ssize_t)BLOCK)
		return true;
	return fail(error, "write to", partial->state_path);
}

bool
rescue_partial_finish(RescuePartial *partial, const char *path, GError **error)
{
	if (rename(partial->path, path) < 0)
		return fail(error, "move the download to", path);
	(void)unlink(partial->state_path); /* without its bytes it says nothing */
	partial->known = false;
	return true;
}

bool
rescue_partial_forget(RescuePartial *partial, GError **error)
{
	(void)unlink(partial->state_path);
	partial->known = false;
	g_array_set_size(partial->spans, 0);
	return ftruncate(partial->fd, 0) == 0 || fail(error, "empty", partial->path);
}

void
rescue_partial_discard(RescuePartial *partial)
{
	(void)unlink(partial->state_path); /* first: bytes without a state count as none */
	(void)unlink(partial->path);
	partial->known = false;
}

bool
rescue_partial_peek(const char *path, uint64_t *ret_bytes, uint64_t *ret_size)
{
	g_autoptr(RescuePartial) partial = new_partial(path);

	read_state(partial);
	if (!partial->known)
		return false;
	*ret_bytes = 0;
	*ret_size = partial->identity.size;
	for (guint i = 0; i < partial->spans->len; i++) {
		const RescueSpan *span = &g_array_index(partial->spans, RescueSpan, i);
		*ret_bytes += span->end - MIN(span->first, span->end);
	}
	return true;
}
