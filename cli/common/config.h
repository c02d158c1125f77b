/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/common/cli.h"

#define RESCUE_CLI_CONFIG_MAX_BYTES (64u * 1024)

/**
 * A strict INI text: one section [idevicerescue], one "key = value" per line, '#' begins a comment line. Unknown or
 * repeated keys and anything else are errors that name file and line. Fills only what `cli` does not have yet:
 * options win.
 */
bool rescue_cli_config_apply(RescueCli *cli, const char *name, const char *text, size_t size,
			     GError **error);
/** The same from a file. */
bool rescue_cli_config_load(RescueCli *cli, const char *path, GError **error);
