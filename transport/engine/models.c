/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/engine/models.h"

#include <string.h>

#include "core/base/path.h"
#include "core/process/process.h"

#define LIBRARY "libirecovery"

#define LIST_MS     20000
#define MAX_LIBRARY (32u * 1024 * 1024)
#define MAX_MODEL   24
#define MAX_DIGITS  4
#define FEWEST_MODELS \
	20u /* fewer are strings by chance: even the oldest table has more than a hundred */

struct RescueModels {
	GHashTable *products; /* of char *, owned */
};

/** "iPhone13,2": letters, a number, a comma, a number. */
static bool
split(const char *text, size_t size, size_t *ret_letters, unsigned *ret_major, unsigned *ret_minor)
{
	size_t letters = 0, i;
	unsigned numbers[2] = { 0, 0 }, digits = 0, which = 0;

	while (letters < size && g_ascii_isalpha(text[letters]))
		letters++;
	for (i = letters; i < size; i++) {
		if (text[i] == ',' && which == 0 && digits > 0) {
			which = 1;
			digits = 0;
		} else if (g_ascii_isdigit(text[i]) && ++digits <= MAX_DIGITS) {
			numbers[which] = numbers[which] * 10 + (unsigned)(text[i] - '0');
		} else {
			return false;
		}
	}
	*ret_letters = letters;
	*ret_major = numbers[0];
	*ret_minor = numbers[1];
	return letters > 0 && which == 1 && digits > 0;
}

RescueModels *
rescue_models_scan(const char *data, size_t size)
{
	g_autoptr(RescueModels) models = g_new0(RescueModels, 1);
	size_t begin = 0, letters;
	unsigned major, minor;

	models->products = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (size_t i = 0; i < size; i++) {
		if (data[i] != '\0')
			continue;
		if (i - begin <= MAX_MODEL &&
		    split(data + begin, i - begin, &letters, &major, &minor))
			(void)g_hash_table_add(models->products,
					       g_strndup(data + begin, i - begin));
		begin = i + 1;
	}
	return rescue_models_count(models) >= FEWEST_MODELS ? g_steal_pointer(&models) : NULL;
}

void
rescue_models_free(RescueModels *models)
{
	if (models == NULL)
		return;
	g_hash_table_unref(models->products);
	g_free(models);
}

bool
rescue_models_know(const RescueModels *models, const char *product)
{
	return models == NULL || g_hash_table_contains(models->products, product);
}

unsigned
rescue_models_count(const RescueModels *models)
{
	return g_hash_table_size(models->products);
}

const char *
rescue_models_newest(const RescueModels *models, const char *family)
{
	unsigned best_major = 0, best_minor = 0, major, minor;
	const char *best = NULL;
	size_t letters;
	GHashTableIter iter;
	gpointer key;

	g_hash_table_iter_init(&iter, models->products);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		if (!split(key, strlen(key), &letters, &major, &minor) ||
		    letters != strlen(family) || strncmp(key, family, letters) != 0 ||
		    (best != NULL &&
		     (major < best_major || (major == best_major && minor < best_minor))))
			continue;
		best = key;
		best_major = major;
		best_minor = minor;
	}
	return best;
}

char *
rescue_models_read_list(const char *list)
{
	g_auto(GStrv) lines = g_strsplit(list, "\n", -1);

	for (char **line = lines; *line != NULL; line++) {
		const char *name = g_strchug(*line);
		const char *path = strstr(name, " => /");
		if (!g_str_has_prefix(name, LIBRARY) || path == NULL)
			continue;
		path += strlen(" => ");
		const char *end = strstr(path, " (");
		return end != NULL ? g_strndup(path, (size_t)(end - path)) : g_strdup(path);
	}
	return NULL;
}

/** What the loader says which libraries the program would get; NULL when it does not say. */
static char *
list_libraries(const RescueLaunch *launch)
{
	g_autofree char *interpreter = launch->loader == NULL
					   ? rescue_launch_read_interpreter(launch->program)
					   : NULL;
	const char *argv[6] = { launch->loader != NULL ? launch->loader : interpreter };
	size_t n = 1;
	g_auto(RescueProcessResult) result = { .status = 0 };

	if (argv[0] == NULL)
		return NULL;
	if (launch->loader != NULL) {
		argv[n++] = "--library-path";
		argv[n++] = launch->libraries;
	}
	argv[n++] = "--list";
	argv[n++] = launch->program;
	RescueProcessSpec spec = { .argv = argv, .inherit_fd = -1 };
	if (!rescue_process_run(&spec, LIST_MS, &result, NULL) || result.timed_out ||
	    result.status != 0)
		return NULL;
	return g_steal_pointer(&result.output);
}

RescueModels *
rescue_models_of(const RescueLaunch *launch)
{
	g_autofree char *list = list_libraries(launch);
	g_autofree char *path = list != NULL ? rescue_models_read_list(list) : NULL;
	size_t size = 0;
	g_autofree char *data = path != NULL ? rescue_path_read(path, MAX_LIBRARY, &size, NULL)
					     : NULL;

	return data != NULL ? rescue_models_scan(data, size) : NULL;
}
