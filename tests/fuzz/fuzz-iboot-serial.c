/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/model/device.h"
#include "tests/fuzz/fuzz.h"

/* the serial number string of a device in recovery or DFU mode */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autoptr(RescueDevice) device = rescue_device_new();

	if (rescue_device_read_iboot_serial(device, text))
		g_assert_cmpuint(device->ecid, !=, 0);
	return 0;
}
