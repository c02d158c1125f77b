/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/engine/installed.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/path.h"

#define MAX_MANIFEST (1024u * 1024)
#define MAX_PACKAGES 2000u

RescuePackage *
rescue_package_new(const char *name, const char *version, const char *architecture)
{
	RescuePackage *package = g_new0(RescuePackage, 1);

	package->name = g_strdup(name);
	package->version = g_strdup(version);
	package->architecture = g_strdup(architecture);
	return package;
}

void
rescue_package_free(RescuePackage *package)
{
	if (package == NULL)
		return;
	g_free(package->name);
	g_free(package->version);
	g_free(package->architecture);
	g_free(package);
}

RescueInstalled *
rescue_installed_new(void)
{
	RescueInstalled *installed = g_new0(RescueInstalled, 1);

	installed->packages = g_ptr_array_new_with_free_func((GDestroyNotify)rescue_package_free);
	return installed;
}

void
rescue_installed_free(RescueInstalled *installed)
{
	if (installed == NULL)
		return;
	g_free(installed->name);
	g_free(installed->dir);
	g_free(installed->version);
	g_free(installed->package_version);
	g_free(installed->suite);
	g_free(installed->from);
	g_free(installed->program);
	g_free(installed->loader);
	g_strfreev(installed->libraries);
	g_free(installed->installed);
	g_ptr_array_unref(installed->packages);
	g_free(installed);
}

static RescueJson *
packages_to_json(const GPtrArray *packages)
{
	RescueJson *array = rescue_json_array_new();

	for (guint i = 0; i < packages->len; i++) {
		const RescuePackage *package = g_ptr_array_index(packages, i);
		RescueJson *json = rescue_json_object_new();
		rescue_json_set_string(json, "name", package->name);
		rescue_json_set_string(json, "version", package->version);
		rescue_json_set_string(json, "architecture", package->architecture);
		rescue_json_append_take(array, json);
	}
	return array;
}

RescueJson *
rescue_installed_to_json(const RescueInstalled *installed)
{
	RescueJson *json = rescue_json_object_new();

	rescue_json_set_int(json, "v", 1);
	rescue_json_set_string(json, "name", installed->name);
	rescue_json_set_string(json, "version", installed->version);
	rescue_json_set_string(json, "package_version", installed->package_version);
	rescue_json_set_string(json, "suite", installed->suite);
	rescue_json_set_string(json, "from", installed->from);
	rescue_json_set_bool(json, "expired_index", installed->expired_index);
	rescue_json_set_string(json, "installed", installed->installed);
	rescue_json_set_int(json, "size", (int64_t)installed->size_bytes);
	rescue_json_set_string(json, "program", installed->program);
	rescue_json_set_string(json, "loader", installed->loader);
	rescue_json_set_strings(json, "libraries", installed->libraries);
	rescue_json_take(json, "packages", packages_to_json(installed->packages));
	return json;
}

static bool
wrong(const RescueInstalled *installed, const char *what, GError **error)
{
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT, "the engine in ‘%s’ %s",
		    installed->dir, what);
	return false;
}

/** Relative, inside of the folder, and there. */
static bool
is_in_folder(const RescueInstalled *installed, const char *path)
{
	g_autofree char *whole = NULL;

	if (path == NULL || path[0] == '\0' || strchr(path, ':') != NULL)
		return false;
	whole = g_build_filename(installed->dir, path, NULL);
	return rescue_path_is_below(whole, installed->dir) &&
	       g_file_test(whole, G_FILE_TEST_EXISTS);
}

static bool
read_libraries(RescueInstalled *installed, const RescueJson *json, GError **error)
{
	const RescueJson *array = rescue_json_get(json, "libraries");
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

	if (rescue_json_length(array) == 0)
		return wrong(installed, "names no libraries", error);
	for (size_t i = 0; i < rescue_json_length(array); i++) {
		const char *library = rescue_json_text(rescue_json_at(array, i));
		if (!is_in_folder(installed, library))
			return wrong(installed, "names libraries that are not there", error);
		g_strv_builder_add(builder, library);
	}
	installed->libraries = g_strv_builder_end(builder);
	return true;
}

static void
read_packages(RescueInstalled *installed, const RescueJson *json)
{
	const RescueJson *array = rescue_json_get(json, "packages");

	for (size_t i = 0; i < MIN(rescue_json_length(array), MAX_PACKAGES); i++) {
		const RescueJson *package = rescue_json_at(array, i);
		g_ptr_array_add(installed->packages,
				rescue_package_new(rescue_json_get_string(package, "name"),
						   rescue_json_get_string(package, "version"),
						   rescue_json_get_string(package,
									  "architecture")));
	}
}

static bool
take_json(RescueInstalled *installed, const RescueJson *json, GError **error)
{
	int64_t size = 0;

	installed->version = g_strdup(rescue_json_get_string(json, "version"));
	installed->package_version = g_strdup(rescue_json_get_string(json, "package_version"));
	installed->suite = g_strdup(rescue_json_get_string(json, "suite"));
	installed->from = g_strdup(rescue_json_get_string(json, "from"));
	installed->installed = g_strdup(rescue_json_get_string(json, "installed"));
	installed->program = g_strdup(rescue_json_get_string(json, "program"));
	installed->loader = g_strdup(rescue_json_get_string(json, "loader"));
	installed->expired_index = rescue_json_get_bool(json, "expired_index", false);
	if (rescue_json_get_int(json, "size", &size) && size > 0)
		installed->size_bytes = (uint64_t)size;
	read_packages(installed, json);
	if (installed->version == NULL || installed->package_version == NULL)
		return wrong(installed, "tells no version", error);
	if (!is_in_folder(installed, installed->program) ||
	    !is_in_folder(installed, installed->loader))
		return wrong(installed, "has no program or no loader", error);
	return read_libraries(installed, json, error);
}

RescueInstalled *
rescue_installed_read(const char *dir, GError **error)
{
	g_autoptr(RescueInstalled) installed = rescue_installed_new();
	g_autofree char *path = NULL, *text = NULL;
	g_autoptr(RescueJson) json = NULL;
	size_t size = 0;

	installed->dir = g_canonicalize_filename(dir, NULL);
	installed->name = g_path_get_basename(installed->dir);
	path = g_build_filename(installed->dir, RESCUE_INSTALLED_FILE, NULL);
	text = rescue_path_read(path, MAX_MANIFEST, &size, error);
	json = text != NULL ? rescue_json_parse(text, size, error) : NULL;
	if (json == NULL || !take_json(installed, json, error))
		return NULL;
	return g_steal_pointer(&installed);
}

GPtrArray *
rescue_installed_list(const char *engines_dir)
{
	GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)rescue_installed_free);
	g_autoptr(GDir) folder = engines_dir != NULL ? g_dir_open(engines_dir, 0, NULL) : NULL;
	const char *name;

	while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
		if (!g_str_has_prefix(name, RESCUE_INSTALLED_PREFIX))
			continue;
		g_autofree char *dir = g_build_filename(engines_dir, name, NULL);
		RescueInstalled *installed = rescue_installed_read(dir, NULL);
		if (installed != NULL)
			g_ptr_array_add(list, installed);
	}
	return list;
}

void
rescue_installed_launch(const RescueInstalled *installed, RescueLaunch *ret_launch)
{
	g_autoptr(GPtrArray) folders = g_ptr_array_new_with_free_func(g_free);

	for (char **library = installed->libraries; *library != NULL; library++)
		g_ptr_array_add(folders, g_build_filename(installed->dir, *library, NULL));
	g_ptr_array_add(folders, NULL);
	*ret_launch = (RescueLaunch){
		.program = g_build_filename(installed->dir, installed->program, NULL),
		.loader = g_build_filename(installed->dir, installed->loader, NULL),
		.libraries = g_strjoinv(":", (char **)folders->pdata),
	};
}
