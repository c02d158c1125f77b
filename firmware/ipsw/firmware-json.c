/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/ipsw/firmware-json.h"

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "firmware/ipsw/manifest.h"

#define SCHEMA_VERSION 1
#define MAX_ERROR_TEXT 4096

static RescueJson *
identity_to_json(const RescueIdentity *identity)
{
	RescueJson *json = rescue_json_object_new();

	rescue_json_set_int(json, "chip_id", identity->chip_id);
	rescue_json_set_int(json, "board_id", identity->board_id);
	rescue_json_set_string(json, "board", identity->board);
	rescue_json_set_string(json, "variant", identity->variant);
	rescue_json_set_string(json, "product", identity->product);
	/* what every engine makes of it; those that go by one of the two words may know more */
	rescue_json_set_string(json, "behavior",
			       rescue_behavior_name(
				   rescue_identity_does(identity, RESCUE_PICKS_BY_BEHAVIOR)));
	rescue_json_set_string(json, "restore_behavior",
			       rescue_behavior_name(identity->restore_behavior));
	rescue_json_set_string(json, "install", rescue_behavior_name(identity->install));
	rescue_json_set_string(json, "ramdisk", identity->ramdisk);
	rescue_json_set_bool(json, "research", rescue_variant_is_research(identity->variant));
	rescue_json_set_string(json, "os_image", identity->os_image);
	rescue_json_set_string(json, "missing", identity->missing);
	return json;
}

RescueJson *
rescue_firmware_to_json(const RescueFirmware *firmware)
{
	RescueJson *json = rescue_json_object_new();
	RescueJson *identities = rescue_json_array_new();
	unsigned i;

	for (i = 0; i < firmware->identities->len; i++)
		rescue_json_append_take(identities,
					identity_to_json(firmware->identities->pdata[i]));
	rescue_json_set_int(json, "v", SCHEMA_VERSION);
	rescue_json_set_string(json, "file", firmware->path);
	rescue_json_set_string(json, "version", firmware->version);
	rescue_json_set_string(json, "build", firmware->build);
	rescue_json_set_int(json, "size", (int64_t)firmware->size_bytes);
	rescue_json_set_int(json, "os_image_size", (int64_t)firmware->os_image_bytes);
	rescue_json_set_bool(json, "os_image_stored", firmware->os_image_stored);
	rescue_json_set_strings(json, "products", firmware->products);
	rescue_json_take(json, "identities", identities);
	return json;
}

/* within [0, max] */
static bool
get_size(const RescueJson *json, const char *key, uint64_t max, uint64_t *ret)
{
	int64_t value;

	if (!rescue_json_get_int(json, key, &value) || value < 0 || (uint64_t)value > max)
		return false;
	*ret = (uint64_t)value;
	return true;
}

static RescueBehavior
parse_behavior(const char *name)
{
	RescueBehavior behavior;

	for (behavior = RESCUE_BEHAVIOR_UPDATE; behavior <= RESCUE_BEHAVIOR_ERASE; behavior++) {
		if (g_strcmp0(name, rescue_behavior_name(behavior)) == 0)
			return behavior;
	}
	return RESCUE_BEHAVIOR_UNSAID;
}

static bool
identity_from_json(const RescueJson *json, RescueIdentity *identity)
{
	uint64_t chip, board;

	if (json == NULL || !get_size(json, "chip_id", UINT32_MAX, &chip) ||
	    !get_size(json, "board_id", UINT32_MAX, &board))
		return false;
	identity->chip_id = (uint32_t)chip;
	identity->board_id = (uint32_t)board;
	identity->board = g_strdup(rescue_json_get_string(json, "board"));
	identity->variant = g_strdup(rescue_json_get_string(json, "variant"));
	identity->product = g_strdup(rescue_json_get_string(json, "product"));
	identity->restore_behavior = parse_behavior(
	    rescue_json_get_string(json, "restore_behavior"));
	identity->install = parse_behavior(rescue_json_get_string(json, "install"));
	identity->ramdisk = g_strdup(rescue_json_get_string(json, "ramdisk"));
	identity->os_image = g_strdup(rescue_json_get_string(json, "os_image"));
	identity->missing = g_strdup(rescue_json_get_string(json, "missing"));
	return true;
}

static bool
lists_from_json(const RescueJson *json, RescueFirmware *firmware)
{
	const RescueJson *products = rescue_json_get(json, "products");
	const RescueJson *identities = rescue_json_get(json, "identities");
	size_t i, count = rescue_json_length(products);

	if (count == 0 || count > RESCUE_MANIFEST_MAX_PRODUCTS ||
	    rescue_json_length(identities) == 0 ||
	    rescue_json_length(identities) > RESCUE_MANIFEST_MAX_IDENTITIES)
		return false;
	firmware->products = rescue_json_dup_strings(products);
	for (i = 0; i < rescue_json_length(identities); i++) {
		RescueIdentity *identity = g_new0(RescueIdentity, 1);
		g_ptr_array_add(firmware->identities, identity);
		if (!identity_from_json(rescue_json_at(identities, i), identity))
			return false;
	}
	return true;
}

RescueFirmware *
rescue_firmware_from_json(const RescueJson *json, GError **error)
{
	g_autoptr(RescueFirmware) firmware = rescue_firmware_new();

	firmware->path = g_strdup(rescue_json_get_string(json, "file"));
	firmware->version = g_strdup(rescue_json_get_string(json, "version"));
	firmware->build = g_strdup(rescue_json_get_string(json, "build"));
	firmware->os_image_stored = rescue_json_get_bool(json, "os_image_stored", false);
	if (firmware->version == NULL || firmware->build == NULL ||
	    !get_size(json, "size", INT64_MAX, &firmware->size_bytes) ||
	    !get_size(json, "os_image_size", INT64_MAX, &firmware->os_image_bytes) ||
	    !lists_from_json(json, firmware)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_INTERNAL,
			    "the firmware reader gave an answer that cannot be understood");
		return NULL;
	}
	return g_steal_pointer(&firmware);
}

RescueJson *
rescue_error_to_json(const GError *error)
{
	RescueFailure failure = error->domain == RESCUE_ERROR
				    ? (RescueFailure)error->code
				    : (RescueFailure)RESCUE_ERROR_INTERNAL;
	const RescueFailureInfo *info = rescue_failure_info(failure);
	RescueJson *json = rescue_json_object_new();
	RescueJson *inner = rescue_json_object_new();

	rescue_json_set_string(inner, "failure", info->name);
	rescue_json_set_string(inner, "category", rescue_category_name(info->category));
	rescue_json_set_string(inner, "text", error->message);
	rescue_json_set_int(json, "v", SCHEMA_VERSION);
	rescue_json_take(json, "error", inner);
	return json;
}

GError *
rescue_error_from_json(const RescueJson *json)
{
	const RescueJson *inner = rescue_json_get(json, "error");
	const char *text = inner != NULL ? rescue_json_get_string(inner, "text") : NULL;
	const char *name = inner != NULL ? rescue_json_get_string(inner, "failure") : NULL;
	RescueFailure failure;

	if (text == NULL || name == NULL)
		return NULL;
	if (!rescue_failure_parse(name, &failure))
		failure = (RescueFailure)RESCUE_ERROR_INTERNAL;
	return g_error_new(RESCUE_ERROR, (int)failure, "%.*s", MAX_ERROR_TEXT, text);
}
