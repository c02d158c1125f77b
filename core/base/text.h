/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

/** Replaces an owned string by a copy of `value`, which may be NULL or the string itself (GLib has it from 2.76). */
static inline void
rescue_set_string(char **owned, const char *value)
{
	char *copy = g_strdup(value);

	g_free(*owned);
	*owned = copy;
}
