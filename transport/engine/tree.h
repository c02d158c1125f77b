/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Inner part of transport/engine: whole folders. Links are never followed. */

/** Removes the folder with all in it; what cannot be removed is left. One that is not there is fine. */
void rescue_tree_remove(const char *path);
/** Bytes that all files below it take on the disk. */
uint64_t rescue_tree_size(const char *path);
