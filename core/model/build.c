/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/model/build.h"

#include <string.h>

RescueFirmware *
rescue_firmware_new(void)
{
	RescueFirmware *firmware = g_new0(RescueFirmware, 1);
	firmware->identities = g_ptr_array_new_with_free_func((GDestroyNotify)rescue_identity_free);
	return firmware;
}

void
rescue_firmware_free(RescueFirmware *firmware)
{
	if (firmware == NULL)
		return;
	g_free(firmware->path);
	g_free(firmware->version);
	g_free(firmware->build);
	g_strfreev(firmware->products);
	g_clear_pointer(&firmware->identities, g_ptr_array_unref);
	g_free(firmware);
}

void
rescue_identity_free(RescueIdentity *identity)
{
	if (identity == NULL)
		return;
	g_free(identity->board);
	g_free(identity->product);
	g_free(identity->variant);
	g_free(identity->ramdisk);
	g_free(identity->os_image);
	g_free(identity->missing);
	g_free(identity);
}
