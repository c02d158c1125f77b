/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdint.h>

/** One line of model.def. */
typedef struct {
	const char *product; /* iPhone10,3 */
	const char *board;   /* d22ap */
	uint32_t cpid, bdid;
	const char *loader; /* d22, in iBSS.d22.RELEASE.im4p */
	const char *kernel; /* iphone10b, in kernelcache.release.iphone10b */
	const char *screen; /* 2436, in recoverymode@2436~iphone.im4p */
} LabModel;

/** The model of this product type, NULL when the table does not have it. */
const LabModel *lab_model_find(const char *product);
