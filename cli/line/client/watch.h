/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "cli/common/cli.h"

/**
 * Shows the line until SIGINT or SIGTERM: on a terminal a screen that is drawn anew when something changes, elsewhere a
 * line for each slot that does, with --json a snapshot each time. A daemon that goes away is waited for. Returns the
 * exit status.
 */
int rescue_line_watch(const RescueCli *cli, const char *socket);
