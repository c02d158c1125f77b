/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/engine/explore.h"

#include <string.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "transport/engine/generation.h"
#include "transport/engine/tree.h"

#define PROGRAM "usr/bin/idevicerestore"

static bool
has_libraries(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		if (strstr(name, ".so") != NULL)
			return true;
	}
	return false;
}

/** lib and usr/lib, and in them the folder of the architecture: "usr/lib/x86_64-linux-gnu". Caller frees. */
static char **
find_libraries(const char *root)
{
	static const char *const tops[] = { "usr/lib", "lib", "usr/lib64", "lib64" };
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

	for (size_t i = 0; i < G_N_ELEMENTS(tops); i++) {
		g_autofree char *top = g_build_filename(root, tops[i], NULL);
		g_autoptr(GDir) dir = g_dir_open(top, 0, NULL);
		const char *name;
		while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
			g_autofree char *path = g_build_filename(top, name, NULL);
			g_autofree char *relative = g_build_filename(tops[i], name, NULL);
			if (strstr(name, "-linux-") != NULL && has_libraries(path))
				g_strv_builder_add(builder, relative);
		}
		if (has_libraries(top))
			g_strv_builder_add(builder, tops[i]);
	}
	return g_strv_builder_end(builder);
}

/** The loader that the program asks for, in the engine's own folders; NULL when it has not come. Caller frees. */
static char *
find_loader(const char *root, char **libraries)
{
	g_autofree char *program = g_build_filename(root, PROGRAM, NULL);
	g_autofree char *interpreter = rescue_launch_read_interpreter(program);
	g_autofree char *name = interpreter != NULL ? g_path_get_basename(interpreter) : NULL;

	for (char **library = libraries; name != NULL && *library != NULL; library++) {
		g_autofree char *relative = g_build_filename(*library, name, NULL);
		g_autofree char *path = g_build_filename(root, relative, NULL);
		if (g_file_test(path, G_FILE_TEST_IS_EXECUTABLE))
			return g_steal_pointer(&relative);
	}
	return NULL;
}

static bool
try_engine(RescueInstalled *installed, GError **error)
{
	RescueGeneration generation = { .version = NULL };
	g_auto(RescueLaunch) launch = { .program = NULL };

	rescue_installed_launch(installed, &launch);
	bool runs = rescue_generation_look(&generation, &launch, error);
	installed->version = g_strdup(generation.version);
	rescue_generation_clear(&generation);
	return runs;
}

bool
rescue_explore(RescueInstalled *installed, GError **error)
{
	installed->program = g_strdup(PROGRAM);
	installed->libraries = find_libraries(installed->dir);
	installed->loader = find_loader(installed->dir, installed->libraries);
	installed->size_bytes = rescue_tree_size(installed->dir);
	if (installed->loader != NULL)
		return try_engine(installed, error);
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_ENGINE_UNUSABLE,
		    "the packages of idevicerestore %s do not have the loader that it asks for",
		    installed->package_version);
	return false;
}
