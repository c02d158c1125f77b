/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "cli/common/cli.h"

/**
 * `read FD`, the work of a child of the daemon: what stdin asks of past jobs is written to that descriptor, or a
 * sentence that says why not. Returns a RescuePastEnd as the exit status.
 */
int rescue_line_read(const RescueCli *cli, char *const *arguments);
