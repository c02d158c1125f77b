/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/installed.h"

#include <jansson.h>
#include <string.h>

#define FILE_NAME "engine.json"

void
lab_installed_free(LabInstalled *installed)
{
	if (installed == NULL)
		return;
	g_free(installed->dir);
	g_free(installed->program);
	g_free(installed->loader);
	g_free(installed->libraries);
	g_free(installed);
}

char *
lab_installed_folder(void)
{
	const char *folder = g_getenv("RESCUE_ENGINES_DIR");
	g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
	if (folder != NULL && *folder != '\0')
		return g_canonicalize_filename(folder, NULL);
	/* build/PRESET/bin/PROGRAM */
	return g_canonicalize_filename("../../../engines", program != NULL ? program : ".");
}

/* "current": whatever is installed, for tests that shall not depend on how far Debian is */
static bool
is_called(json_t *engine, const char *folder, const char *name)
{
	const char *version = json_string_value(json_object_get(engine, "version"));
	const char *package = json_string_value(json_object_get(engine, "package_version"));
	return strcmp(name, "current") == 0 || strcmp(folder, name) == 0 ||
	       g_strcmp0(version, name) == 0 || g_strcmp0(package, name) == 0;
}

/* sorts by version and package; files' names are compared by numbers, too: 1.0.10 comes behind 1.0.9 */
static char *
age_of(json_t *engine)
{
	const char *version = json_string_value(json_object_get(engine, "version"));
	const char *package = json_string_value(json_object_get(engine, "package_version"));
	g_autofree char *both = g_strdup_printf("%s %s", version != NULL ? version : "",
						package != NULL ? package : "");
	return g_utf8_collate_key_for_filename(both, -1);
}

static char *
absolute(const char *dir, json_t *relative)
{
	const char *path = json_string_value(relative);
	return path != NULL ? g_build_filename(dir, path, NULL) : NULL;
}

static LabInstalled *
take(json_t *engine, const char *dir)
{
	LabInstalled *installed = g_new0(LabInstalled, 1);
	g_autoptr(GString) libraries = g_string_new(NULL);
	size_t i;
	json_t *library;
	installed->dir = g_strdup(dir);
	installed->program = absolute(dir, json_object_get(engine, "program"));
	installed->loader = absolute(dir, json_object_get(engine, "loader"));
	json_array_foreach(json_object_get(engine, "libraries"), i, library)
	{
		g_autofree char *path = absolute(dir, library);
		g_string_append_printf(libraries, "%s%s", i > 0 ? ":" : "", path);
	}
	installed->libraries = g_string_free(g_steal_pointer(&libraries), FALSE);
	if (installed->program != NULL && installed->loader != NULL)
		return installed;
	lab_installed_free(installed);
	return NULL;
}

/* the engine of that folder, if it is called so and newer than the one found before; takes its place */
static void
look_at(const char *dir, const char *name, LabInstalled **found, char **found_age)
{
	g_autofree char *folder = g_path_get_basename(dir);
	g_autofree char *file = g_build_filename(dir, FILE_NAME, NULL);
	json_t *engine = folder[0] != '.' ? json_load_file(file, 0, NULL) : NULL;
	if (engine == NULL || !is_called(engine, folder, name)) {
		json_decref(engine);
		return;
	}
	g_autofree char *age = age_of(engine);
	g_autoptr(LabInstalled) one = take(engine, dir);
	json_decref(engine);
	if (one == NULL || (*found != NULL && strcmp(age, *found_age) <= 0))
		return;
	lab_installed_free(*found);
	*found = g_steal_pointer(&one);
	g_free(*found_age);
	*found_age = g_steal_pointer(&age);
}

LabInstalled *
lab_installed_find(const char *name)
{
	g_autofree char *folder = lab_installed_folder();
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	g_autofree char *age = NULL;
	LabInstalled *found = NULL;
	const char *entry;
	while (dir != NULL && (entry = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(folder, entry, NULL);
		look_at(path, name, &found, &age);
	}
	return found;
}
