/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

/*
 * A fuzzer for compilers without one: replays a corpus, then feeds what becomes of it when bytes are flipped, cut,
 * repeated and grafted. It knows nothing of coverage, and is the same everywhere and every time: a run is told by its
 * seed. The sanitizers find the faults; the input that was at work lies in a file then.
 */

#define MAX_BYTES (256u * 1024)
#define MAX_EDITS 8

typedef struct {
	char *keep, *seconds_from;
	int runs, seconds, seed;
	char **corpus;
} Options;

typedef struct {
	GPtrArray *inputs; /* GBytes */
	GRand *rand;
	uint8_t *kept; /* where the present input can be found after a crash */
	uint64_t executions;
} Fuzz;

/* exactly so large: one byte too far is then seen */
static uint8_t *
dup_bytes(const uint8_t *data, size_t size)
{
	uint8_t *copy = g_malloc(MAX(size, 1));

	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

static void
feed(Fuzz *fuzz, const uint8_t *data, size_t size)
{
	g_autofree uint8_t *copy = dup_bytes(data, size);

	if (fuzz->kept != NULL) {
		memcpy(fuzz->kept, &size, sizeof size);
		memcpy(fuzz->kept + sizeof size, data, size);
	}
	(void)LLVMFuzzerTestOneInput(copy, size);
	fuzz->executions++;
}

/* ---- corpus ---------------------------------------------------------------------------------------- */

static void
read_file(Fuzz *fuzz, const char *path)
{
	g_autofree char *text = NULL;
	size_t size = 0;

	if (!g_file_get_contents(path, &text, &size, NULL) || size > MAX_BYTES)
		return;
	g_ptr_array_add(fuzz->inputs, g_bytes_new_take(g_steal_pointer(&text), size));
}

static int
by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* in the order of their names: the order of a folder is nobody's promise */
static void
read_folder(Fuzz *fuzz, const char *path)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL)
		g_ptr_array_add(names, g_build_filename(path, name, NULL));
	g_ptr_array_sort(names, by_name);
	for (guint i = 0; i < names->len; i++)
		read_file(fuzz, names->pdata[i]);
}

static void
read_corpus(Fuzz *fuzz, char **paths)
{
	for (; paths != NULL && *paths != NULL; paths++) {
		if (g_file_test(*paths, G_FILE_TEST_IS_DIR))
			read_folder(fuzz, *paths);
		else
			read_file(fuzz, *paths);
	}
}

/* ---- mutation -------------------------------------------------------------------------------------- */

static uint32_t
below(Fuzz *fuzz, size_t limit)
{
	return limit == 0 ? 0 : (uint32_t)(g_rand_int(fuzz->rand) % limit);
}

static void
flip_bit(Fuzz *fuzz, GByteArray *input)
{
	if (input->len > 0)
		input->data[below(fuzz, input->len)] ^= (uint8_t)(1u << below(fuzz, 8));
}

/* numbers at which programs stumble */
static void
set_byte(Fuzz *fuzz, GByteArray *input)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff, '\n',
					  '&',  '=',  '<',  '0',  '9' };

	if (input->len > 0)
		input->data[below(fuzz, input->len)] = values[below(fuzz, sizeof values)];
}

static void
cut(Fuzz *fuzz, GByteArray *input)
{
	unsigned at = below(fuzz, input->len + 1), size = below(fuzz, input->len - at + 1);

	if (size > 0)
		g_byte_array_remove_range(input, at, size);
}

static void
truncate_input(Fuzz *fuzz, GByteArray *input)
{
	g_byte_array_set_size(input, below(fuzz, input->len + 1));
}

static void
insert(GByteArray *input, unsigned at, const uint8_t *data, unsigned size)
{
	g_autofree uint8_t *tail = dup_bytes(input->data + at, input->len - at);
	unsigned tail_size = input->len - at;

	if (input->len + size > MAX_BYTES)
		return;
	g_byte_array_set_size(input, at);
	g_byte_array_append(input, data, size);
	g_byte_array_append(input, tail, tail_size);
}

/* a piece of itself once more, somewhere */
static void
repeat(Fuzz *fuzz, GByteArray *input)
{
	unsigned from = below(fuzz, input->len),
		 size = below(fuzz, MIN(input->len - from, 512) + 1);
	g_autofree uint8_t *piece = dup_bytes(input->data + from, size);

	if (size > 0)
		insert(input, below(fuzz, input->len + 1), piece, size);
}

/* a piece of another input of the corpus */
static void
graft(Fuzz *fuzz, GByteArray *input)
{
	GBytes *other = fuzz->inputs->pdata[below(fuzz, fuzz->inputs->len)];
	size_t size = 0;
	const uint8_t *data = g_bytes_get_data(other, &size);
	unsigned from = below(fuzz, size);

	if (size > 0)
		insert(input, below(fuzz, input->len + 1), data + from,
		       below(fuzz, MIN(size - from, 512) + 1));
}

static void
mutate(Fuzz *fuzz, GByteArray *input)
{
	static void (*const edits[])(Fuzz *, GByteArray *) = { flip_bit,       set_byte, cut,
							       truncate_input, repeat,   graft };
	unsigned count = 1 + below(fuzz, MAX_EDITS);

	for (unsigned i = 0; i < count; i++)
		edits[below(fuzz, G_N_ELEMENTS(edits))](fuzz, input);
}

static void
mutate_one(Fuzz *fuzz)
{
	GBytes *seed = fuzz->inputs->pdata[below(fuzz, fuzz->inputs->len)];
	g_autoptr(GByteArray) input = g_byte_array_new();
	size_t size = 0;
	const uint8_t *data = g_bytes_get_data(seed, &size);

	g_byte_array_append(input, data != NULL ? data : (const uint8_t *)"", (unsigned)size);
	mutate(fuzz, input);
	feed(fuzz, input->data != NULL ? input->data : (const uint8_t *)"", input->len);
}

/* ---- run ------------------------------------------------------------------------------------------- */

static bool
open_kept(Fuzz *fuzz, const char *path)
{
	size_t size = MAX_BYTES + sizeof(size_t);
	int fd = path != NULL ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	void *map = MAP_FAILED;

	if (path == NULL)
		return true;
	if (fd >= 0 && ftruncate(fd, (off_t)size) == 0)
		map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		(void)close(fd);
	fuzz->kept = map == MAP_FAILED ? NULL : map;
	return fuzz->kept != NULL;
}

static int
run(Fuzz *fuzz, const Options *options)
{
	int64_t begun_us = g_get_monotonic_time();
	int64_t end_us = begun_us + (int64_t)options->seconds * G_USEC_PER_SEC;

	read_corpus(fuzz, options->corpus);
	if (fuzz->inputs->len == 0 || !open_kept(fuzz, options->keep)) {
		(void)fprintf(stderr,
			      "fuzz: there is no corpus to begin with, or no place for it\n");
		return 2;
	}
	for (guint i = 0; i < fuzz->inputs->len; i++) {
		size_t size = 0;
		const uint8_t *data = g_bytes_get_data(fuzz->inputs->pdata[i], &size);
		feed(fuzz, data != NULL ? data : (const uint8_t *)"", size);
	}
	for (int i = 0; i < options->runs || options->runs == 0; i++) {
		if (g_get_monotonic_time() >= end_us)
			break;
		mutate_one(fuzz);
	}
	(void)printf("%" G_GUINT64_FORMAT " executions of %u inputs in %.1f s, seed %d\n",
		     fuzz->executions, fuzz->inputs->len,
		     (double)(g_get_monotonic_time() - begun_us) / G_USEC_PER_SEC, options->seed);
	return 0;
}

/* a computer that has the time takes it */
static void
ask_environment(Options *options)
{
	const char *text = options->seconds_from != NULL ? g_getenv(options->seconds_from) : NULL;
	guint64 seconds;

	if (text == NULL || !g_ascii_string_to_unsigned(text, 10, 1, 86400, &seconds, NULL))
		return;
	options->seconds = (int)seconds;
	options->runs = 0;
}

int
main(int argc, char **argv)
{
	Options options = { .seconds = 2, .seed = 1 };
	const GOptionEntry entries[] = {
		{ "runs", 0, 0, G_OPTION_ARG_INT, &options.runs, "at most so many (0: no limit)",
		  "N" },
		{ "seconds", 0, 0, G_OPTION_ARG_INT, &options.seconds, "and at most so long", "S" },
		{ "seconds-from", 0, 0, G_OPTION_ARG_STRING, &options.seconds_from,
		  "so long as this variable says if it is set, however many runs that are",
		  "VARIABLE" },
		{ "seed", 0, 0, G_OPTION_ARG_INT, &options.seed, "of the random numbers", "N" },
		{ "keep", 0, 0, G_OPTION_ARG_FILENAME, &options.keep,
		  "its size and the input at work are kept in FILE", "FILE" },
		{ G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.corpus, "",
		  "CORPUS…" },
		{ 0 }
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;
	Fuzz fuzz = { .inputs = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref) };
	int status = 2;

	g_option_context_add_main_entries(context, entries, NULL);
	if (g_option_context_parse(context, &argc, &argv, &error)) {
		ask_environment(&options);
		fuzz.rand = g_rand_new_with_seed((guint32)options.seed);
		status = run(&fuzz, &options);
		g_rand_free(fuzz.rand);
	}
	g_ptr_array_unref(fuzz.inputs);
	g_strfreev(options.corpus);
	g_free(options.keep);
	g_free(options.seconds_from);
	return status;
}
