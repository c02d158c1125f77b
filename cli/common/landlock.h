/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdbool.h>

/**
 * From now on this process and its children neither run programs nor write, make or remove files, but for those below
 * `writable` (NULL: nowhere); what is open already stays open. True when the kernel keeps to that; where it cannot
 * (before Linux 5.13, or in a container that does not let it) nothing changes. Wants "no new privileges".
 */
bool rescue_landlock_confine(const char *writable);
