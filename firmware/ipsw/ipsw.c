/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/ipsw/ipsw.h"

#include <string.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "firmware/ipsw/manifest.h"
#include "firmware/ipsw/zip.h"

static bool
incomplete(GError **error, const char *path, const char *what, const char *member)
{
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_INCOMPLETE,
		    "‘%s’ is not a whole firmware file: it lacks the %s ‘%s’", path, what, member);
	return false;
}

static bool
read_manifest(const RescueZip *zip, RescueFirmware *firmware, GHashTable *components,
	      GError **error)
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
static bool
note_os_image(const RescueZip *zip, const RescueIdentity *identity, RescueFirmware *firmware,
	      GError **error)
{
	const RescueZipEntry *entry;

	if (identity->os_image == NULL)
		return rescue_variant_is_research(identity->variant) ||
		       incomplete(error, firmware->path, "OS image of",
				  identity->board != NULL ? identity->board : "a device");
	entry = rescue_zip_find(zip, identity->os_image);
	if (entry == NULL)
		return rescue_variant_is_research(identity->variant) ||
		       incomplete(error, firmware->path, "OS image", identity->os_image);
	if (entry->size > firmware->os_image_bytes) {
		firmware->os_image_bytes = entry->size;
		firmware->os_image_stored = entry->stored;
	}
	return true;
}

static bool
note_os_images(const RescueZip *zip, RescueFirmware *firmware, GError **error)
{
	unsigned i;

	for (i = 0; i < firmware->identities->len; i++) {
		if (!note_os_image(zip, firmware->identities->pdata[i], firmware, error))
			return false;
	}
	return true;
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
check_components(const RescueZip *zip, const char *file, GHashTable *components, bool thorough,
		 GError **error)
{
	g_autoptr(GList)
	    paths = g_list_sort(g_hash_table_get_keys(components), (GCompareFunc)strcmp);
	GList *path;

	/* the cheap question first: what is not there at all */
	for (path = paths; path != NULL; path = path->next) {
		if (rescue_zip_find(zip, path->data) == NULL)
			return incomplete(error, file, g_hash_table_lookup(components, path->data),
					  path->data);
	}
	for (path = paths; path != NULL; path = path->next) {
		if (!check_component(zip, path->data, g_hash_table_lookup(components, path->data),
				     thorough, error))
			return false;
	}
	return true;
}

RescueFirmware *
rescue_ipsw_read(const char *path, bool thorough, GError **error)
{
	g_autoptr(RescueFirmware) firmware = rescue_firmware_new();
	g_autoptr(GHashTable)
	    components = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(RescueZip) zip = NULL;

	if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_NOT_IPSW,
			    "‘%s’ is a folder; give the .ipsw file itself, not an unpacked one",
			    path);
		return NULL;
	}
	zip = rescue_zip_open(path, error);
	if (zip == NULL)
		return NULL;
	firmware->path = g_strdup(path);
	firmware->size_bytes = rescue_zip_size(zip);
	if (!read_manifest(zip, firmware, components, error) ||
	    !note_os_images(zip, firmware, error) ||
	    !check_components(zip, path, components, thorough, error))
		return NULL;
	return g_steal_pointer(&firmware);
}
