/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <string.h>

#include "core/base/error.h"

/** What people read of a file that was refused: one line, which names the file and gives `reason`. */
static inline void
assert_file_refused(const GError *error, const char *path, const char *reason)
{
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT);
	g_test_message("%s", error->message);
	g_assert_nonnull(strstr(error->message, reason));
	g_assert_nonnull(strstr(error->message, path));
	g_assert_null(strchr(error->message, '\n'));
}
