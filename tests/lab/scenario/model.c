/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/scenario/model.h"

#include <string.h>

#include <glib.h>

static const LabModel models[] = {
#define LAB_MODEL(product, board, cpid, bdid, loader, kernel, screen) \
	{ product, board, cpid, bdid, loader, kernel, screen },
#include "tests/lab/scenario/model.def"
#undef LAB_MODEL
};

const LabModel *
lab_model_find(const char *product)
{
	for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
		if (g_strcmp0(models[i].product, product) == 0)
			return &models[i];
	}
	return NULL;
}
