/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "cli/common/cli.h"

/* Subcommands of `line` that need no line that runs. Each returns the exit status. */

/** `deliver NAME`: what the daemon's child does for one webhook or hook, which is described on stdin, or in `conf`. */
int rescue_line_deliver(const RescueCli *cli, const char *conf, char *const *arguments);
/** `upkeep`: what is older than the retention goes. `conf` NULL: only that of the global configuration counts. */
int rescue_line_upkeep(const RescueCli *cli, const char *conf);
/** `backup FOLDER`. */
int rescue_line_backup(const RescueCli *cli, char *const *arguments);
