/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** What stands beside the processor and gets data or a ticket of its own in a restore. */
typedef enum {
	LAB_CHIP_NONE,
	LAB_CHIP_BASEBAND,
	LAB_CHIP_SE,
	LAB_CHIP_SAVAGE,
	LAB_CHIP_YONKERS,
	LAB_CHIP_ROSE,
	LAB_CHIP_VERIDIAN,
	LAB_CHIP_VINYL,
	LAB_CHIP_CRYPTEX,
	LAB_CHIP_LAST
} LabChipKind;

/** One line of hardware.def. */
typedef struct {
	const char *product;
	LabChipKind kind;
	unsigned first_train;
	uint32_t id;
} LabChip;

/** The chip of that kind that a ramdisk of this build train asks for on this model; NULL: none. Static. */
const LabChip *lab_chip_find(const char *product, LabChipKind kind, unsigned train);
/** The build train of "19A346": 19; 0 when there is none. */
unsigned lab_build_train(const char *build);
/** iOS 14.5 and later, by build: since then lockdownd sends nobody to recovery mode who is not paired. */
bool lab_build_wants_pairing(const char *build);
