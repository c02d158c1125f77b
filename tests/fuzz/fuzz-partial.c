/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "firmware/fetch/partial.h"
#include "tests/fuzz/fuzz.h"

#define BLOCK  4096u
#define BLOCKS 3u
#define RAW    '!' /* an input that begins so is the state file itself */

/* checksums keep random edits out: each line of the input is put into a block of its own with the right one */
static void
seal_lines(GByteArray *state, const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;

	for (unsigned i = 0; i < BLOCKS; i++) {
		const uint8_t *stop = data < end ? memchr(data, '\n', (size_t)(end - data)) : NULL;
		size_t length = MIN((size_t)((stop != NULL ? stop : end) - data), BLOCK - 16);
		char block[BLOCK], sum[16];
		memset(block, ' ', BLOCK);
		(void)g_snprintf(sum, sizeof sum, "%08lx ", crc32(0, data, (unsigned)length));
		memcpy(block, sum, 9);
		if (length > 0)
			memcpy(block + 9, data, length);
		block[9 + length] = '\n';
		g_byte_array_append(state, (const uint8_t *)block, BLOCK);
		data = stop != NULL ? stop + 1 : end;
	}
}

/* what is resumed of it lies inside the file, and nothing counts twice */
static void
resume(const char *path)
{
	g_autoptr(RescuePartial) partial = rescue_partial_open(path, NULL);
	const RescuePartialIdentity *identity = rescue_partial_identity(partial);
	const GArray *spans = rescue_partial_spans(partial);
	g_autoptr(RescueRanges) ranges = NULL;
	uint64_t bytes, size;

	(void)rescue_partial_peek(path, &bytes, &size);
	if (identity == NULL)
		return;
	ranges = rescue_ranges_new(identity->size);
	for (guint i = 0; i < spans->len; i++)
		(void)rescue_ranges_add(ranges, g_array_index(spans, RescueSpan, i));
	g_assert_cmpuint(rescue_ranges_done(ranges), <=, identity->size);
	g_assert_cmpuint(rescue_ranges_prefix(ranges), <=, rescue_ranges_done(ranges));
	g_assert_true(rescue_partial_save(partial, ranges, NULL));
}

/* what is known of a file that is not whole yet, read after a crash or by somebody else */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *dir = g_dir_make_tmp("fuzz-partial-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "part", NULL);
	g_autofree char *state = g_strconcat(path, ".state", NULL);
	g_autoptr(GByteArray) bytes = g_byte_array_new();

	if (size > 0 && data[0] == RAW)
		g_byte_array_append(bytes, data + 1, (unsigned)size - 1);
	else
		seal_lines(bytes, data, size);
	g_assert_true(g_file_set_contents_full(state, (const char *)bytes->data, bytes->len,
					       G_FILE_SET_CONTENTS_NONE, 0600, NULL));
	resume(path);
	(void)g_unlink(path);
	(void)g_unlink(state);
	g_assert_cmpint(g_rmdir(dir), ==, 0);
	return 0;
}
