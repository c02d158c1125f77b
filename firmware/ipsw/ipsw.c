/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/ipsw/ipsw.h"

#include <string.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "firmware/ipsw/manifest.h"
#include "firmware/ipsw/zip.h"

static bool
read_manifest(const RescueZip *zip, RescueFirmware *firmware, GPtrArray *components, GError **error)
{
	const RescueZipEntry *entry = rescue_zip_find(zip, RESCUE_MANIFEST_MEMBER);
	g_autofree char *text = NULL;
	size_t size;

	if (entry == NULL) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_NOT_IPSW,
			    "‘%s’ is an archive but no firmware: it has no " RESCUE_MANIFEST_MEMBER,
			    firmware->path);
		return false;
	}
	text = rescue_zip_read(zip, entry, RESCUE_MANIFEST_MAX_BYTES, &size, error);
	if (text == NULL)
		return false;
	if (rescue_manifest_read(text, size, firmware, components, error))
		return true;
	g_prefix_error(error, "‘%s’: ", firmware->path);
	return false;
}

/* the largest one counts: it is what the engine needs room for */
static void
note_os_image(const RescueZip *zip, RescueIdentity *identity, RescueFirmware *firmware)
{
	const RescueZipEntry *entry = NULL;

	if (identity->os_image != NULL)
		entry = rescue_zip_find(zip, identity->os_image);
	if (entry != NULL) {
		firmware->os_image_stored = entry->stored && (firmware->os_image_bytes == 0 ||
							      firmware->os_image_stored);
		firmware->os_image_bytes = MAX(firmware->os_image_bytes, entry->size);
	}
	if (entry == NULL && identity->missing == NULL)
		identity->missing = g_strdup_printf("OS image ‘%s’", identity->os_image != NULL
									 ? identity->os_image
									 : "");
}

/* the first in the order of the alphabet, so that the same file is always told the same */
static void
note_missing(const RescueZip *zip, RescueIdentity *identity, GHashTable *components)
{
	g_autoptr(GList)
	    paths = g_list_sort(g_hash_table_get_keys(components), (GCompareFunc)strcmp);

	for (GList *path = paths; path != NULL && identity->missing == NULL; path = path->next) {
		const char *name = g_hash_table_lookup(components, path->data);
		if (rescue_zip_find(zip, path->data) == NULL)
			identity->missing = g_strdup_printf("%s ‘%s’", name,
							    (const char *)path->data);
	}
}

/*
 * An archive serves several devices, and one that lacks a part of one of them still restores the others. Only when
 * there is nobody left whom it serves it is refused as a whole.
 */
static bool
check_whole(const RescueZip *zip, RescueFirmware *firmware, const GPtrArray *components,
	    GError **error)
{
	const char *missing = NULL;
	bool serves = false;

	for (guint i = 0; i < firmware->identities->len; i++) {
		RescueIdentity *identity = firmware->identities->pdata[i];
		note_os_image(zip, identity, firmware);
		note_missing(zip, identity, components->pdata[i]);
		if (missing == NULL)
			missing = identity->missing;
		serves |= identity->missing == NULL;
	}
	if (serves)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_INCOMPLETE,
		    "‘%s’ is not a whole firmware file: it lacks the %s", firmware->path, missing);
	return false;
}

static bool
check_component(const RescueZip *zip, const char *path, const char *name, bool thorough,
		GError **error)
{
	const RescueZipEntry *entry = rescue_zip_find(zip, path);

	if (thorough && entry->size <= RESCUE_IPSW_CHECK_MAX_BYTES && strcmp(name, "OS") != 0)
		return rescue_zip_verify(zip, entry, error);
	return rescue_zip_check_place(zip, entry, error);
}

static bool
check_identity(const RescueZip *zip, GHashTable *components, GHashTable *checked, bool thorough,
	       GError **error)
{
	g_autoptr(GList)
	    paths = g_list_sort(g_hash_table_get_keys(components), (GCompareFunc)strcmp);

	for (GList *path = paths; path != NULL; path = path->next) {
		const char *name = g_hash_table_lookup(components, path->data);
		bool there = rescue_zip_find(zip, path->data) != NULL;
		if (there && g_hash_table_add(checked, path->data) &&
		    !check_component(zip, path->data, name, thorough, error))
			return false;
	}
	return true;
}

/* most components are shared by several devices: each is read once */
static bool
check_components(const RescueZip *zip, const GPtrArray *components, bool thorough, GError **error)
{
	g_autoptr(GHashTable) checked = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < components->len; i++) {
		if (!check_identity(zip, components->pdata[i], checked, thorough, error))
			return false;
	}
	return true;
}

/* `components` is filled as by rescue_manifest_read() */
static RescueFirmware *
read_listed(const RescueZip *zip, const char *name, GPtrArray *components, GError **error)
{
	g_autoptr(RescueFirmware) firmware = rescue_firmware_new();

	firmware->path = g_strdup(name);
	firmware->size_bytes = rescue_zip_size(zip);
	if (!read_manifest(zip, firmware, components, error) ||
	    !check_whole(zip, firmware, components, error))
		return NULL;
	return g_steal_pointer(&firmware);
}

RescueFirmware *
rescue_ipsw_read_source(const char *name, const RescueZipSource *source, GError **error)
{
	g_autoptr(GPtrArray)
	    components = g_ptr_array_new_with_free_func((GDestroyNotify)g_hash_table_unref);
	g_autoptr(RescueZip) zip = rescue_zip_open_source(name, source, error);

	return zip != NULL ? read_listed(zip, name, components, error) : NULL;
}

RescueFirmware *
rescue_ipsw_read(const char *path, bool thorough, GError **error)
{
	g_autoptr(RescueFirmware) firmware = NULL;
	g_autoptr(GPtrArray)
	    components = g_ptr_array_new_with_free_func((GDestroyNotify)g_hash_table_unref);
	g_autoptr(RescueZip) zip = NULL;

	if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_NOT_IPSW,
			    "‘%s’ is a folder; give the .ipsw file itself, not an unpacked one",
			    path);
		return NULL;
	}
	zip = rescue_zip_open(path, error);
	if (zip != NULL)
		firmware = read_listed(zip, path, components, error);
	if (firmware == NULL || !check_components(zip, components, thorough, error))
		return NULL;
	return g_steal_pointer(&firmware);
}
