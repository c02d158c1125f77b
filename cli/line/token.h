/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "cli/common/cli.h"

/**
 * `line token [--role ROLE] [NAME]`: prints a new token and its line for the tokens file (auth.h), and keeps neither.
 * `role` NULL: viewer; without a name the role stands for it. Needs no line that runs. Returns the exit status.
 */
int rescue_line_token(const RescueCli *cli, const char *role, char *const *arguments);
