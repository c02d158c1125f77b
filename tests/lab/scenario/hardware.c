/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/scenario/hardware.h"

#include <string.h>

#include <glib.h>

static const LabChip chips[] = {
#define LAB_CHIP(product, kind, first_train, id) { product, LAB_CHIP_##kind, first_train, id },
#include "tests/lab/scenario/hardware.def"
#undef LAB_CHIP
};

static bool
is_for(const LabChip *chip, const char *product)
{
	return strcmp(chip->product, product) == 0 ||
	       (g_str_has_suffix(chip->product, ",") && g_str_has_prefix(product, chip->product));
}

const LabChip *
lab_chip_find(const char *product, LabChipKind kind, unsigned train)
{
	for (size_t i = 0; i < G_N_ELEMENTS(chips); i++) {
		const LabChip *chip = &chips[i];
		if (chip->kind == kind && train >= chip->first_train && is_for(chip, product))
			return chip;
	}
	return NULL;
}

unsigned
lab_build_train(const char *build)
{
	unsigned train = 0;
	for (; g_ascii_isdigit(*build) && train < 1000; build++)
		train = train * 10 + (unsigned)(*build - '0');
	return train;
}

bool
lab_build_wants_pairing(const char *build)
{
	enum { TRAIN_14 = 18 };
	unsigned train = lab_build_train(build);
	/* 14.5 is 18E; the letters in front of it are 14.0 to 14.4 */
	return train > TRAIN_14 || (train == TRAIN_14 && strlen(build) > 2 && build[2] >= 'E');
}
