/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/phone/restore-internal.h"

/*
 * The steps of a restore in their order. Operation numbers and message names are those that idevicerestore's
 * restore.c
 * knows; which build train began to ask for what is what its history and real manifests suggest, no capture.
 */

static void
act_wipe(LabRestore *restore)
{
	lab_phone_wipe(restore->phone, restore->channel->pid);
}

/* An update keeps the data, but from here on there is no whole system to boot. */
static void
act_open_system(LabRestore *restore)
{
	lab_phone_set_installed(restore->phone, "", "");
}

static void
act_verify(LabRestore *restore)
{
	if (!restore->sound || restore->build == NULL)
		lab_restore_fail(restore, LAB_STATUS_VERIFY, LAB_AMR_VERIFY,
				 "the image that was received does not verify");
}

static void
act_queue_extra(LabRestore *restore)
{
	for (char **name = restore->phone->asks; name != NULL && *name != NULL; name++)
		g_queue_push_tail(&restore->images, g_strdup(*name));
}

#define ASKS(type, take_it, ask_it) \
	.point = LAB_AT_LAST, .wants = type, .take = take_it, .arguments = ask_it
#define UPDATER(kind) \
	.chip = LAB_CHIP_##kind, ASKS("FirmwareUpdaterData", lab_take_updater, lab_ask_updater)

static const Step steps[] = {
	{ 28, .point = LAB_AT_LAST },                    /* waiting for NAND */
	{ 38, .point = LAB_AT_LAST, .first_train = 14 }, /* checking battery voltage */
	{ 57, .point = LAB_AT_LAST, .first_train = 20 }, /* updating NAND firmware */
	{ .first_train = 23, ASKS("RestoreAttestation", lab_take_attestation, NULL) },
	{ 11, .point = LAB_AT_LAST, .when = ERASE_ONLY }, /* creating partition map */
	{ 12, .point = LAB_AT_LAST, .when = ERASE_ONLY, .act = act_wipe }, /* creating filesystem */
	{ 67, .point = LAB_AT_LAST, .first_train = 18, .when = ERASE_ONLY }, /* protected volume */
	{ 52, .point = LAB_AT_LAST, .when = UPDATE_ONLY, .act = act_open_system }, /* resizing */
	{ .first_train = 22,
	  ASKS("StreamedImageDecryptionKey", lab_take_decryption_key, lab_ask_decryption_key) },
	{ 13, .point = LAB_AT_LAST, .wants = "SystemImageData", .name = "filesystem" },
	{ 14, true, .point = LAB_AT_VERIFY_FILESYSTEM, .act = act_verify,
	  .name = "verify-filesystem" },
	{ 15, .point = LAB_AT_LAST }, /* checking filesystems */
	{ 16, ASKS("RootTicket", lab_take_ticket, NULL) },
	{ .first_train = 20, ASKS("SystemImageRootHash", lab_take_root_hash, NULL) },
	{ .first_train = 20, ASKS("SystemImageCanonicalMetadata", lab_take_metadata, NULL) },
	{ .first_train = 20,
	  .chip = LAB_CHIP_CRYPTEX,
	  ASKS("SourceBootObjectV4", lab_take_file, lab_ask_cryptex_image) },
	{ .first_train = 20, ASKS("PersonalizedBootObjectV3", lab_take_file, lab_ask_boot_object) },
	{ 77, .point = LAB_AT_LAST, .first_train = 18 }, /* sealing system volume */
	{ 27, ASKS("KernelCache", lab_take_kernel, NULL) },
	{ 61, ASKS("DeviceTree", lab_take_device_tree, NULL) },
	{ 17, .point = LAB_AT_LAST },                      /* fixing up /var */
	{ 41, .point = LAB_AT_LAST, .when = UPDATE_ONLY }, /* migrating data */
	{ 50, .point = LAB_AT_FDR, .wants = "FDRTrustData", .take = lab_take_fdr_trust,
	  .name = "fdr" }, /* keybag */
	{ 18, true, .point = LAB_AT_NOR, .wants = "NORData", .take = lab_take_nor, .name = "nor",
	  .flashes = true },
	{ 36, true, ASKS("FUDData", lab_take_fud, lab_ask_fud) },
	{ 74, .first_train = 20, ASKS("PersonalizedData", lab_take_ean, lab_ask_ean) },
	{ .first_train = 21, ASKS("FirmwareUpdaterPreflight", lab_take_any, NULL) },
	{ .first_train = 1, .act = act_queue_extra, ASKS("", lab_take_extra, NULL) },
	{ 55, true, .point = LAB_AT_FIRMWARE_UPDATES, .name = "firmware-updates",
	  .flashes = true }, /* updating Stockholm */
	{ 58, UPDATER(SE) },
	{ 60, UPDATER(SAVAGE) },
	{ 63, UPDATER(YONKERS) },
	{ 65, UPDATER(ROSE) },
	{ 66, UPDATER(VERIDIAN) },
	{ 0, UPDATER(VINYL) },
	{ 0, UPDATER(CRYPTEX) },
	{ 59, .point = LAB_AT_SEP, .first_train = 15, .name = "sep",
	  .flashes = true }, /* certifying SEP */
	{ 48, .chip = LAB_CHIP_BASEBAND, .first_train = 1,
	  ASKS("BasebandData", lab_take_baseband, lab_ask_baseband) },
	{ 19, true, .point = LAB_AT_BASEBAND, .name = "baseband", .flashes = true },
	{ .first_train = 21, ASKS("ReceiptManifest", lab_take_receipt, NULL) },
	{ 20, .point = LAB_AT_LAST },                                      /* setting boot stage */
	{ 29, .point = LAB_AT_FINISH, .name = "finish", .flashes = true }, /* unmounting */
};

const Step *
lab_step_at(size_t index)
{
	return index < G_N_ELEMENTS(steps) ? &steps[index] : NULL;
}

/* A host that does not let the key be asked for beside the rest gets an image that needs none. */
static bool
host_knows(const LabRestore *restore, const Step *step)
{
	return step->take != lab_take_decryption_key ||
	       lab_plist_item(restore->async_types, step->wants) != NULL;
}

bool
lab_step_applies(const LabRestore *restore, const Step *step)
{
	if (step->when != ALWAYS && (step->when == UPDATE_ONLY) != restore->update)
		return false;
	if (restore->train < step->first_train || !host_knows(restore, step))
		return false;
	if (step->act == act_queue_extra)
		return restore->phone->asks != NULL;
	return step->chip == LAB_CHIP_NONE ||
	       lab_chip_find(restore->phone->id.product, step->chip, restore->train) != NULL;
}
