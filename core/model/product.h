/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

/** "iPhone 11" for "iPhone12,1": for people; NULL for what is not in product-name.def. Static. */
const char *rescue_product_name(const char *product);
