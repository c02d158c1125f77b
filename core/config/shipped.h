/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stddef.h>

/* The files of policies/, embedded at build time so that the program needs none beside it. Inner part of the folder. */
typedef struct {
	const char *name, *text;
} RescueShippedPolicy;

/** In the order of their names. */
extern const RescueShippedPolicy rescue_shipped_policies[];
/** How many there are. */
extern const size_t rescue_shipped_policies_count;
