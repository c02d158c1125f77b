/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/ipsw/manifest.h"
#include "tests/fuzz/fuzz.h"

/* a build manifest, as far as choosing a firmware needs it */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(RescueFirmware) firmware = rescue_firmware_new();
	g_autoptr(GPtrArray)
	    components = g_ptr_array_new_with_free_func((GDestroyNotify)g_hash_table_unref);

	(void)rescue_manifest_read((const char *)data, size, firmware, components, NULL);
	return 0;
}
