/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include <plist/plist.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "firmware/catalog/read.h"
#include "firmware/ipsw/manifest.h"

/*
 * The list that iTunes asks: versions of iTunes, in each the products, in each what a device without a system is
 * offered ("Unknown"), and per build what it is, or which build it equals or is to be updated to.
 */

#define MAX_STEPS 8u /* from one build to the next */

static plist_t
get(plist_t dict, const char *key)
{
	return dict != NULL && plist_get_node_type(dict) == PLIST_DICT
		   ? plist_dict_get_item(dict, key)
		   : NULL;
}

static const char *
get_text(plist_t dict, const char *key)
{
	plist_t node = get(dict, key);
	uint64_t size;

	return node != NULL && plist_get_node_type(node) == PLIST_STRING
		   ? plist_get_string_ptr(node, &size)
		   : NULL;
}

/* the products as the newest iTunes that is mentioned sees them; that list has old products, too */
static plist_t
find_product(plist_t root, const char *product)
{
	plist_t versions = get(root, "MobileDeviceSoftwareVersionsByVersion"), best = NULL;
	plist_dict_iter iter = NULL;
	int best_major = -1;

	if (versions == NULL || plist_get_node_type(versions) != PLIST_DICT)
		return NULL;
	plist_dict_new_iter(versions, &iter);
	for (;;) {
		char *key = NULL;
		plist_t item = NULL, node;
		plist_dict_next_item(versions, iter, &key, &item);
		if (key == NULL)
			break;
		node = get(get(item, "MobileDeviceSoftwareVersions"), product);
		int major = (int)g_ascii_strtoull(key, NULL, 10);
		if (node != NULL && major > best_major) {
			best = node;
			best_major = major;
		}
		free(key);
	}
	free(iter);
	return best;
}

/* from the build that a blank device gets, by way of "the same as" and "update to", to the one that has a file */
static plist_t
find_restore(plist_t product)
{
	plist_t blank = get(get(get(product, "Unknown"), "Universal"), "Restore");
	const char *build = get_text(blank, "BuildVersion");

	for (unsigned i = 0; i < MAX_STEPS && build != NULL; i++) {
		plist_t node = get(product, build);
		const char *same = get_text(node, "SameAs");
		const char *update = get_text(get(node, "Update"), "BuildVersion");
		if (same != NULL)
			build = same;
		else if (update != NULL && strcmp(update, build) != 0)
			build = update;
		else
			return get(node, "Restore");
	}
	return NULL;
}

static RescueRelease *
read_restore(plist_t restore, const char *product)
{
	g_autoptr(RescueJson) body = rescue_json_object_new();
	RescueRelease *release;

	rescue_json_set_string(body, "product", product);
	rescue_json_set_string(body, "version", get_text(restore, "ProductVersion"));
	rescue_json_set_string(body, "build", get_text(restore, "BuildVersion"));
	rescue_json_set_string(body, "sha1", get_text(restore, "FirmwareSHA1"));
	rescue_json_set_string(body, "signed", "yes");
	release = rescue_release_from_json(body);
	/* "protected://" is for paid firmware of long ago, and no web address */
	if (release != NULL)
		(void)rescue_release_add_url(release, get_text(restore, "FirmwareURL"));
	return release;
}

bool
rescue_catalogue_read_apple(const char *text, size_t size, const char *product, GPtrArray *releases,
			    GError **error)
{
	plist_t root = NULL, restore;
	RescueRelease *release;

	if (size <= RESCUE_CATALOGUE_MAX_BYTES && rescue_plist_is_safe(text, size))
		(void)plist_from_memory(text, (uint32_t)size, &root);
	if (get(root, "MobileDeviceSoftwareVersionsByVersion") == NULL) {
		plist_free(root);
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DOWNLOAD_FAILED,
			    "the answer of Apple's version list makes no sense");
		return false;
	}
	restore = find_restore(find_product(root, product));
	release = restore != NULL ? read_restore(restore, product) : NULL;
	if (release != NULL)
		g_ptr_array_add(releases, release);
	plist_free(root);
	return true;
}
