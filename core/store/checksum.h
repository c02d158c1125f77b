/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stddef.h>
#include <stdint.h>

/**
 * CRC-32 as in IEEE 802.3 and zip: reflected, polynomial 0xEDB88320; "123456789" gives 0xCBF43926.
 */
uint32_t rescue_checksum(const char *bytes, size_t size);
