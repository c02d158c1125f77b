/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/fake/firmware.h"

#include "core/base/text.h"

static void
call_update_erase(RescueFirmware *firmware)
{
	RescueIdentity *update = g_ptr_array_index(firmware->identities, 0);
	RescueIdentity *erase = g_ptr_array_index(firmware->identities, 1);

	update->restore_behavior = RESCUE_BEHAVIOR_ERASE;
	update->install = RESCUE_BEHAVIOR_UPDATE;
	erase->install = RESCUE_BEHAVIOR_ERASE;
	update->ramdisk = g_strdup("update.dmg");
	erase->ramdisk = g_strdup("erase.dmg");
	rescue_set_string(&update->variant, "Customer Upgrade Install (IPSW)");
	rescue_set_string(&erase->variant, "Customer Erase Install (IPSW)");
}

RescueFirmware *
rescue_fake_firmware(const char *path, bool stored, bool update_called_erase)
{
	RescueFirmware *firmware = rescue_firmware_new();
	RescueIdentity *identity;

	firmware->path = g_strdup(path);
	firmware->version = g_strdup("15.0");
	firmware->build = g_strdup("19A346");
	firmware->products = g_strsplit("iPhone10,3", ",,", 0);
	firmware->os_image_bytes = RESCUE_FAKE_IMAGE_BYTES;
	firmware->os_image_stored = stored;
	for (RescueBehavior behavior = RESCUE_BEHAVIOR_UPDATE; behavior <= RESCUE_BEHAVIOR_ERASE;
	     behavior++) {
		identity = g_new0(RescueIdentity, 1);
		*identity = (RescueIdentity){
			.chip_id = 0x8015,
			.board_id = 0x06,
			.board = g_strdup("d22ap"),
			.variant = g_strdup("Customer Install"),
			.restore_behavior = behavior,
			.os_image = g_strdup("os.dmg"),
		};
		g_ptr_array_add(firmware->identities, identity);
	}
	if (update_called_erase)
		call_update_erase(firmware);
	return firmware;
}
