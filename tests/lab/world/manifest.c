/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <gio/gio.h>
#include <string.h>

#include "tests/lab/world/component.h"
#include "tests/lab/world/ipsw.h"

enum {
	MAX_MANIFEST_BYTES = 16 * 1024 * 1024,
	SHA1_SIZE = 20,
	SHA384_SIZE = 48,
	FIRST_SHA384_CPID = 0x8010, /* before it, manifests have SHA-1 */
	MEBIBYTE = 1024 * 1024,
	FAB_REVISION = 6657,
};

static void
set_string(plist_t dict, const char *key, const char *value)
{
	plist_dict_set_item(dict, key, plist_new_string(value));
}

static void
set_hex(plist_t dict, const char *key, uint32_t value, int digits)
{
	g_autofree char *text = g_strdup_printf("0x%0*X", digits, value);
	set_string(dict, key, text);
}

static plist_t
new_digest(const LabModel *model, const void *data, size_t size)
{
	bool modern = model->cpid >= FIRST_SHA384_CPID;
	guint8 digest[SHA384_SIZE];
	gsize length = modern ? SHA384_SIZE : SHA1_SIZE;
	g_autoptr(GChecksum) sum = g_checksum_new(modern ? G_CHECKSUM_SHA384 : G_CHECKSUM_SHA1);
	g_checksum_update(sum, data, (gssize)size);
	g_checksum_get_digest(sum, digest, &length);
	return plist_new_data((const char *)digest, length);
}

/* ---- RestoreRequestRules, the part of them that decides about production and security mode ------ */

static plist_t
new_rule(const char *action, bool value, const char *condition)
{
	plist_t actions = plist_new_dict();
	plist_dict_set_item(actions, action, plist_new_bool(value));
	plist_t conditions = plist_new_dict();
	plist_dict_set_item(conditions, condition, plist_new_bool(value));
	plist_dict_set_item(conditions, "ApRequiresImage4", plist_new_bool(1));
	plist_t rule = plist_new_dict();
	plist_dict_set_item(rule, "Actions", actions);
	plist_dict_set_item(rule, "Conditions", conditions);
	return rule;
}

static plist_t
new_rules(void)
{
	plist_t rules = plist_new_array();
	plist_array_append_item(rules, new_rule("EPRO", false, "ApRawProductionMode"));
	plist_array_append_item(rules, new_rule("EPRO", true, "ApRawProductionMode"));
	plist_array_append_item(rules, new_rule("ESEC", false, "ApRawSecurityMode"));
	plist_array_append_item(rules, new_rule("ESEC", true, "ApRawSecurityMode"));
	return rules;
}

/* ---- one component ---------------------------------------------------------------------------- */

static plist_t
new_info(const LabComponent *component, const char *path)
{
	static const struct {
		unsigned flag;
		const char *key;
	} flags[] = {
		{ LAB_COMPONENT_FUD, "IsFUDFirmware" },
		{ LAB_COMPONENT_FIRMWARE, "IsFirmwarePayload" },
		{ LAB_COMPONENT_IBOOT, "IsLoadedByiBoot" },
		{ LAB_COMPONENT_SECONDARY, "IsSecondaryFirmwarePayload" },
	};
	plist_t info = plist_new_dict();
	for (size_t i = 0; i < G_N_ELEMENTS(flags); i++) {
		if ((component->flags & flags[i].flag) != 0)
			plist_dict_set_item(info, flags[i].key, plist_new_bool(1));
	}
	if ((component->flags & LAB_COMPONENT_RETAG) != 0)
		set_string(info, "Img4PayloadType", component->type);
	if (path != NULL)
		set_string(info, "Path", path);
	if (strcmp(component->name, "SEP") == 0)
		set_string(info, "RequiredCapacity", "0xE400000");
	if (lab_component_chip(component->name) == LAB_CHIP_NONE)
		plist_dict_set_item(info, "RestoreRequestRules", new_rules());
	return info;
}

static void
set_digest(plist_t entry, const LabIpswSpec *spec, const LabComponent *component, const char *path,
	   bool update)
{
	if (path == NULL)
		return;
	g_autoptr(GBytes) data = lab_component_data(spec, component->name, path, update);
	gsize size = 0;
	const void *bytes = g_bytes_get_data(data, &size);
	if (strcmp(component->name, "BasebandFirmware") == 0)
		plist_dict_set_item(entry, "BBCFG-DownloadDigest",
				    new_digest(lab_model_find(spec->product), bytes, size));
	else
		plist_dict_set_item(entry, "Digest",
				    new_digest(lab_model_find(spec->product), bytes, size));
}

/* what the engine chooses a chip's component by, and what the signing server makes blobs of */
static void
add_chip_facts(plist_t entry, const LabComponent *component)
{
	static const char *const blobs[] = { "SBL1-PartialDigest", "RestoreSBL1-PartialDigest" };
	if (strcmp(component->name, "Yonkers,SysTopPatch1") == 0) {
		plist_dict_set_item(entry, "EPRO", plist_new_bool(1));
		plist_dict_set_item(entry, "FabRevision", plist_new_uint(FAB_REVISION));
	}
	for (size_t i = 0; i < G_N_ELEMENTS(blobs); i++) {
		if (strcmp(component->name, "BasebandFirmware") == 0)
			plist_dict_set_item(entry, blobs[i], plist_new_data("lab-digest", 10));
	}
}

/* a retyped payload has the noise of the path and the type of its own, as the engine will make it */
static plist_t
new_entry(const LabIpswSpec *spec, const LabComponent *component, bool update, GBytes *os_digest)
{
	plist_t entry = plist_new_dict();
	g_autofree char *path = lab_component_path(component, lab_model_find(spec->product),
						   update);
	if (strcmp(component->name, "OS") == 0) {
		if (os_digest != NULL)
			plist_dict_set_item(entry, "Digest",
					    plist_new_data(g_bytes_get_data(os_digest, NULL),
							   g_bytes_get_size(os_digest)));
	} else {
		set_digest(entry, spec, component, path, update);
	}
	if ((component->flags & LAB_COMPONENT_BUILD) != 0) {
		g_autofree char *text = g_strdup_printf("iBoot-%u.0.1~%s",
							lab_build_train(spec->build), spec->build);
		set_string(entry, "BuildString", text);
	}
	plist_dict_set_item(entry, "Info", new_info(component, path));
	if (lab_component_chip(component->name) == LAB_CHIP_NONE)
		plist_dict_set_item(entry, "Trusted", plist_new_bool(1));
	add_chip_facts(entry, component);
	return entry;
}

/* ---- one identity ----------------------------------------------------------------------------- */

static bool
is_there(const LabIpswSpec *spec, const LabComponent *component)
{
	unsigned train = lab_build_train(spec->build);
	LabChipKind chip = lab_component_chip(component->name);
	if ((component->flags & LAB_COMPONENT_MADE) == 0 || train < component->first_train)
		return false;
	return chip == LAB_CHIP_NONE || lab_chip_find(spec->product, chip, train) != NULL;
}

static plist_t
new_components(const LabIpswSpec *spec, bool update, GBytes *os_digest)
{
	plist_t manifest = plist_new_dict();
	for (unsigned i = 0; lab_component_at(i) != NULL; i++) {
		const LabComponent *component = lab_component_at(i);
		if (is_there(spec, component))
			plist_dict_set_item(manifest, component->name,
					    new_entry(spec, component, update, os_digest));
	}
	return manifest;
}

static plist_t
new_padding(void)
{
	static const struct {
		const char *gigabytes;
		unsigned padding;
	} paddings[] = { { "1024", 1280 }, { "128", 1280 }, { "16", 160 }, { "256", 1280 },
			 { "32", 320 },    { "512", 1280 }, { "64", 640 }, { "8", 80 } };
	plist_t padding = plist_new_dict();
	for (size_t i = 0; i < G_N_ELEMENTS(paddings); i++)
		plist_dict_set_item(padding, paddings[i].gigabytes,
				    plist_new_uint(paddings[i].padding));
	return padding;
}

static plist_t
new_identity_info(const LabIpswSpec *spec, const LabModel *model, bool update)
{
	plist_t info = plist_new_dict();
	set_string(info, "BuildNumber", spec->build);
	set_string(info, "BuildTrain", "Lab");
	set_string(info, "DeviceClass", model->board);
	plist_dict_set_item(info, "FDRSupport", plist_new_bool(1));
	plist_dict_set_item(info, "MinimumSystemPartition",
			    plist_new_uint(spec->os_bytes / MEBIBYTE + 64));
	set_string(info, "MobileDeviceMinVersion", "1253.40.1");
	plist_dict_set_item(info, "OSVarContentSize", plist_new_uint(MEBIBYTE));
	set_string(info, "RestoreBehavior", update ? "Update" : "Erase");
	plist_dict_set_item(info, "SystemPartitionPadding", new_padding());
	set_string(info, "Variant",
		   update ? "Customer Upgrade Install (IPSW)" : "Customer Erase Install (IPSW)");
	plist_dict_set_item(info, "VariantContents", plist_new_dict());
	return info;
}

static void
set_unique_id(plist_t identity, const LabIpswSpec *spec, bool update)
{
	g_autofree char *seed = g_strconcat(spec->product, " ", spec->build,
					    update ? " update" : " erase", NULL);
	guint8 digest[SHA1_SIZE];
	gsize length = sizeof digest;
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA1);
	g_checksum_update(sum, (const guchar *)seed, -1);
	g_checksum_get_digest(sum, digest, &length);
	plist_dict_set_item(identity, "UniqueBuildID",
			    plist_new_data((const char *)digest, length));
}

static void
add_baseband(plist_t identity, const LabChip *chip)
{
	set_hex(identity, "BbChipID", chip->id, 8);
	plist_dict_set_item(identity, "BbProvisioningManifestKeyHash",
			    plist_new_data("lab-provisioning", 16));
	plist_dict_set_item(identity, "BbActivationManifestKeyHash",
			    plist_new_data("lab-activation", 14));
}

/* the numbers of its chips, by which the engine asks for their tickets */
static const struct {
	LabChipKind kind;
	const char *key;
	bool is_id; /* else it is zero */
} chip_keys[] = {
	{ LAB_CHIP_SE, "SE,ChipID", true },
	{ LAB_CHIP_SAVAGE, "Savage,ChipID", true },
	{ LAB_CHIP_SAVAGE, "Savage,PatchEpoch", false },
	{ LAB_CHIP_YONKERS, "Yonkers,ChipID", true },
	{ LAB_CHIP_YONKERS, "Yonkers,BoardID", false },
	{ LAB_CHIP_YONKERS, "Yonkers,PatchEpoch", false },
	{ LAB_CHIP_ROSE, "Rap,ChipID", true },
	{ LAB_CHIP_ROSE, "Rap,BoardID", false },
	{ LAB_CHIP_ROSE, "Rap,SecurityDomain", false },
	{ LAB_CHIP_VERIDIAN, "BMU,ChipID", true },
	{ LAB_CHIP_VERIDIAN, "BMU,BoardID", false },
	{ LAB_CHIP_VINYL, "eUICC,ChipID", true },
	{ LAB_CHIP_CRYPTEX, "Cryptex1,ChipID", true },
};

static void
add_chips(plist_t identity, const LabIpswSpec *spec)
{
	unsigned train = lab_build_train(spec->build);
	const LabChip *baseband = lab_chip_find(spec->product, LAB_CHIP_BASEBAND, train);
	if (baseband != NULL)
		add_baseband(identity, baseband);
	for (size_t i = 0; i < G_N_ELEMENTS(chip_keys); i++) {
		const LabChip *chip = lab_chip_find(spec->product, chip_keys[i].kind, train);
		if (chip != NULL)
			set_hex(identity, chip_keys[i].key, chip_keys[i].is_id ? chip->id : 0, 2);
	}
}

static plist_t
new_identity(const LabIpswSpec *spec, bool update, GBytes *os_digest)
{
	const LabModel *model = lab_model_find(spec->product);
	plist_t identity = plist_new_dict();
	set_hex(identity, "ApBoardID", model->bdid, 2);
	set_hex(identity, "ApChipID", model->cpid, 4);
	set_string(identity, "ApSecurityDomain", "0x01");
	add_chips(identity, spec);
	plist_dict_set_item(identity, "Info", new_identity_info(spec, model, update));
	plist_dict_set_item(identity, "Manifest", new_components(spec, update, os_digest));
	set_string(identity, "ProductMarketingVersion", spec->version);
	set_unique_id(identity, spec, update);
	return identity;
}

static plist_t
make_manifest(const LabIpswSpec *spec, GBytes *os_digest)
{
	plist_t identities = plist_new_array();
	plist_array_append_item(identities, new_identity(spec, false, os_digest));
	plist_array_append_item(identities, new_identity(spec, true, os_digest));
	plist_t types = plist_new_array();
	plist_array_append_item(types, plist_new_string(spec->product));
	plist_t manifest = plist_new_dict();
	plist_dict_set_item(manifest, "BuildIdentities", identities);
	plist_dict_set_item(manifest, "ManifestVersion", plist_new_uint(0));
	set_string(manifest, "ProductBuildVersion", spec->build);
	set_string(manifest, "ProductVersion", spec->version);
	plist_dict_set_item(manifest, "SupportedProductTypes", types);
	return manifest;
}

static plist_t
read_manifest(const char *path, GError **error)
{
	g_autofree char *text = NULL;
	gsize size = 0;
	if (!g_file_get_contents(path, &text, &size, error))
		return NULL;
	plist_t manifest = NULL;
	if (size <= MAX_MANIFEST_BYTES)
		plist_from_memory(text, (uint32_t)size, &manifest);
	plist_t identities = plist_access_path(manifest, 1, "BuildIdentities");
	if (identities == NULL || plist_get_node_type(identities) != PLIST_ARRAY) {
		plist_free(manifest);
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
			    "‘%s’ is not a BuildManifest", path);
		return NULL;
	}
	return manifest;
}

plist_t
lab_manifest_new(const LabIpswSpec *spec, GBytes *os_digest, GError **error)
{
	if (spec->manifest != NULL)
		return read_manifest(spec->manifest, error);
	if (lab_model_find(spec->product) == NULL) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "the lab has no model ‘%s’",
			    spec->product);
		return NULL;
	}
	return make_manifest(spec, os_digest);
}

static void
copy_item(plist_t from, plist_t to, const char *key)
{
	plist_t item = plist_dict_get_item(from, key);
	if (item != NULL)
		plist_dict_set_item(to, key, plist_copy(item));
}

static plist_t
new_device_map(const LabModel *model)
{
	plist_t device = plist_new_dict();
	g_autofree char *platform = g_strdup_printf("t%04x", model->cpid);
	plist_dict_set_item(device, "BDID", plist_new_uint(model->bdid));
	set_string(device, "BoardConfig", model->board);
	plist_dict_set_item(device, "CPID", plist_new_uint(model->cpid));
	set_string(device, "Platform", platform);
	plist_dict_set_item(device, "SCEP", plist_new_uint(1));
	plist_t map = plist_new_array();
	plist_array_append_item(map, device);
	return map;
}

plist_t
lab_restore_plist_new(const LabIpswSpec *spec, plist_t manifest)
{
	plist_t restore = plist_new_dict();
	const LabModel *model = lab_model_find(spec->product);
	g_autofree char *class = g_strndup(spec->product, strcspn(spec->product, "0123456789"));
	set_string(restore, "DeviceClass", class);
	if (model != NULL)
		plist_dict_set_item(restore, "DeviceMap", new_device_map(model));
	set_string(restore, "FirmwareDirectory", "Firmware");
	copy_item(manifest, restore, "ProductBuildVersion");
	set_string(restore, "ProductType", spec->product);
	copy_item(manifest, restore, "ProductVersion");
	copy_item(manifest, restore, "SupportedProductTypes");
	return restore;
}

GPtrArray *
lab_manifest_unique_ids(plist_t manifest)
{
	GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);
	plist_t identities = plist_access_path(manifest, 1, "BuildIdentities");
	for (uint32_t i = 0; i < plist_array_get_size(identities); i++) {
		plist_t id = plist_access_path(plist_array_get_item(identities, i), 1,
					       "UniqueBuildID");
		uint64_t size = 0;
		const char *data = id != NULL ? plist_get_data_ptr(id, &size) : NULL;
		GString *hex = g_string_new(NULL);
		for (uint64_t k = 0; k < size; k++)
			g_string_append_printf(hex, "%02x", (uint8_t)data[k]);
		g_ptr_array_add(ids, g_string_free(hex, FALSE));
	}
	return ids;
}
