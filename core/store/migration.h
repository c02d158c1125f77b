/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stddef.h>

/* Inner part of core/store: the texts of migrations/NNN-*.sql, embedded by the build in the order of their numbers. */

/** The n-th brings a database of version n to version n + 1. */
extern const char *const rescue_migrations[];
extern const size_t rescue_migrations_count;
