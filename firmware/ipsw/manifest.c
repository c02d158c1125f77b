/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/ipsw/manifest.h"

#include <string.h>

#include <plist/plist.h>

#include "core/base/error.h"
#include "core/failure/failure.h"

/* patches for development hardware: listed, never asked for by a sold phone */
static const char *const development_suffixes[] = { "-Dev.fw", "-Dev.vt.fw", "_Dev.fw" };

static bool
damaged(GError **error, const char *what)
{
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_DAMAGED,
		    "the build manifest is not usable: %s", what);
	return false;
}

static plist_t
get_dict(plist_t dict, const char *key)
{
	plist_t node = plist_dict_get_item(dict, key);

	return node != NULL && plist_get_node_type(node) == PLIST_DICT ? node : NULL;
}

/* caller frees; NULL when it is absent, no string, too long or not UTF-8 */
static char *
dup_text(plist_t node)
{
	g_autofree char *text = NULL;
	const char *borrowed;
	uint64_t length = 0;

	if (node == NULL || plist_get_node_type(node) != PLIST_STRING)
		return NULL;
	borrowed = plist_get_string_ptr(node, &length);
	if (borrowed == NULL || length > RESCUE_MANIFEST_MAX_TEXT)
		return NULL;
	text = g_strndup(borrowed, (size_t)length);
	if (!g_utf8_validate(text, -1, NULL))
		return NULL;
	return g_steal_pointer(&text);
}

static char *
dup_key(plist_t dict, const char *key)
{
	return dup_text(plist_dict_get_item(dict, key));
}

/* "0x8015", "32789" or an integer */
static bool
read_number(plist_t dict, const char *key, uint32_t *ret_value)
{
	plist_t node = plist_dict_get_item(dict, key);
	g_autofree char *text = NULL;
	guint64 value = 0;
	bool hex;

	if (node == NULL)
		return false;
	if (plist_get_node_type(node) == PLIST_UINT) {
		plist_get_uint_val(node, &value);
	} else {
		text = dup_text(node);
		hex = text != NULL && g_ascii_strncasecmp(text, "0x", 2) == 0;
		if (text == NULL ||
		    !g_ascii_string_to_unsigned(hex ? text + 2 : text, hex ? 16 : 10, 0, UINT32_MAX,
						&value, NULL))
			return false;
	}
	if (value > UINT32_MAX)
		return false;
	*ret_value = (uint32_t)value;
	return true;
}

static char *
component_path(plist_t component)
{
	plist_t info;

	if (component == NULL || plist_get_node_type(component) != PLIST_DICT)
		return NULL;
	info = get_dict(component, "Info");
	return info != NULL ? dup_key(info, "Path") : NULL;
}

static bool
is_for_development(const char *path)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(development_suffixes); i++) {
		if (g_str_has_suffix(path, development_suffixes[i]))
			return true;
	}
	return false;
}

static bool
add_components(plist_t manifest, GHashTable *components, GError **error)
{
	plist_dict_iter iter = NULL;
	plist_t node = NULL;
	char *key = NULL;

	if (plist_dict_get_size(manifest) > RESCUE_MANIFEST_MAX_COMPONENTS)
		return damaged(error, "it lists too many components");
	plist_dict_new_iter(manifest, &iter);
	for (;;) {
		g_autofree char *path = NULL;
		plist_dict_next_item(manifest, iter, &key, &node);
		if (key == NULL)
			break;
		path = component_path(node);
		if (path != NULL && *path != '\0' && !is_for_development(path))
			g_hash_table_replace(components, g_steal_pointer(&path),
					     g_strndup(key, 64));
		/* libplist uses the C library's heap */
		free(key);
		key = NULL;
	}
	free(iter);
	return true;
}

static bool
read_identity(plist_t node, RescueIdentity *identity, GHashTable *components, GError **error)
{
	g_autofree char *word = NULL;
	plist_t info, manifest;

	if (node == NULL || plist_get_node_type(node) != PLIST_DICT)
		return damaged(error, "an identity is not a dictionary");
	info = get_dict(node, "Info");
	manifest = get_dict(node, "Manifest");
	if (info == NULL || manifest == NULL)
		return damaged(error, "an identity names no components");
	if (!read_number(node, "ApChipID", &identity->chip_id) ||
	    !read_number(node, "ApBoardID", &identity->board_id))
		return damaged(error, "an identity names no chip and board");
	identity->board = dup_key(info, "DeviceClass");
	identity->variant = dup_key(info, "Variant");
	identity->product = dup_key(node, "Ap,ProductType");
	word = dup_key(info, "RestoreBehavior");
	identity->restore_behavior = rescue_behavior_of_word(word);
	identity->install = rescue_behavior_of_variant(identity->variant);
	identity->ramdisk = component_path(plist_dict_get_item(manifest, "RestoreRamDisk"));
	identity->os_image = component_path(plist_dict_get_item(manifest, "OS"));
	if (rescue_variant_is_research(identity->variant))
		return true;
	return add_components(manifest, components, error);
}

static bool
read_identities(plist_t root, RescueFirmware *firmware, GPtrArray *components, GError **error)
{
	plist_t list = plist_dict_get_item(root, "BuildIdentities");
	uint32_t i, count;

	if (list == NULL || plist_get_node_type(list) != PLIST_ARRAY ||
	    plist_array_get_size(list) == 0)
		return damaged(error, "it names no device");
	count = plist_array_get_size(list);
	if (count > RESCUE_MANIFEST_MAX_IDENTITIES)
		return damaged(error, "it names too many devices");
	for (i = 0; i < count; i++) {
		RescueIdentity *identity = g_new0(RescueIdentity, 1);
		GHashTable *parts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
		g_ptr_array_add(firmware->identities, identity);
		g_ptr_array_add(components, parts);
		if (!read_identity(plist_array_get_item(list, i), identity, parts, error))
			return false;
	}
	return true;
}

static bool
read_products(plist_t root, RescueFirmware *firmware, GError **error)
{
	plist_t list = plist_dict_get_item(root, "SupportedProductTypes");
	g_autoptr(GPtrArray) products = g_ptr_array_new_with_free_func(g_free);
	uint32_t i, count;

	if (list == NULL || plist_get_node_type(list) != PLIST_ARRAY ||
	    plist_array_get_size(list) == 0)
		return damaged(error, "it supports no product");
	count = plist_array_get_size(list);
	if (count > RESCUE_MANIFEST_MAX_PRODUCTS)
		return damaged(error, "it supports too many products");
	for (i = 0; i < count; i++) {
		char *product = dup_text(plist_array_get_item(list, i));
		if (product == NULL)
			return damaged(error, "a product has no name");
		g_ptr_array_add(products, product);
	}
	g_ptr_array_add(products, NULL);
	g_strfreev(firmware->products);
	firmware->products = (char **)g_ptr_array_steal(products, NULL);
	return true;
}

static bool
read_root(plist_t root, RescueFirmware *firmware, GPtrArray *components, GError **error)
{
	if (plist_get_node_type(root) != PLIST_DICT)
		return damaged(error, "it is not a dictionary");
	g_free(firmware->version);
	firmware->version = dup_key(root, "ProductVersion");
	g_free(firmware->build);
	firmware->build = dup_key(root, "ProductBuildVersion");
	if (firmware->version == NULL || firmware->build == NULL)
		return damaged(error, "it names no version");
	return read_products(root, firmware, error) &&
	       read_identities(root, firmware, components, error);
}

bool
rescue_manifest_read(const char *data, size_t size, RescueFirmware *firmware, GPtrArray *components,
		     GError **error)
{
	plist_t root = NULL;
	bool fine;

	if (size == 0 || size > RESCUE_MANIFEST_MAX_BYTES)
		return damaged(error, "its size is absurd");
	if (rescue_plist_is_safe(data, size))
		plist_from_memory(data, (uint32_t)size, &root);
	if (root == NULL)
		return damaged(error, "it is not a property list");
	fine = read_root(root, firmware, components, error);
	plist_free(root);
	return fine;
}
