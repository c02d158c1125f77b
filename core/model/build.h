/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/model/job.h"

/** One BuildIdentity of a BuildManifest, reduced to what choosing needs. */
typedef struct {
	uint32_t chip_id, board_id;
	char *board;   /* DeviceClass: d221ap */
	char *variant; /* "Customer Erase Install (IPSW)" */
	RescueBehavior behavior;
	char *os_image; /* path of the OS image inside the archive */
	char *missing; /* a component that the archive lacks: "AOP ‘Firmware/AOP/…’"; NULL: whole */
} RescueIdentity;

/** What an IPSW is, as its own manifest and directory say. */
typedef struct {
	char *path;
	char *version;           /* 15.4 */
	char *build;             /* 19E241 */
	char **products;         /* SupportedProductTypes, NULL-terminated */
	GPtrArray *identities;   /* RescueIdentity */
	uint64_t size_bytes;     /* of the archive */
	uint64_t os_image_bytes; /* unpacked */
	bool os_image_stored;    /* not deflated */
} RescueFirmware;

RescueFirmware *rescue_firmware_new(void);
void rescue_firmware_free(RescueFirmware *firmware);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueFirmware, rescue_firmware_free)
void rescue_identity_free(RescueIdentity *identity);
/** The identity for this chip, board and behaviour, never a research variant; NULL when there is none. Borrowed. */
const RescueIdentity *rescue_firmware_find_identity(const RescueFirmware *firmware,
						    uint32_t chip_id, uint32_t board_id,
						    RescueBehavior behavior);
/** The same by the board's name (DeviceClass, "d221ap", in any case), when the chip is not known. */
const RescueIdentity *rescue_firmware_find_board(const RescueFirmware *firmware, const char *board,
						 RescueBehavior behavior);
