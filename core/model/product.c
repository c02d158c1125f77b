/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/model/product.h"

#include <glib.h>

const char *
rescue_product_name(const char *product)
{
	static const char *const names[][2] = {
#define RESCUE_PRODUCT_NAME(product, name) { product, name },
#include "core/model/product-name.def"
#undef RESCUE_PRODUCT_NAME
	};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		if (g_strcmp0(names[i][0], product) == 0)
			return names[i][1];
	}
	return NULL;
}
