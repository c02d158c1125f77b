/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

#include "cli/line/daemon.h"
#include "cli/line/view.h"
#include "core/config/line.h"

/* line.conf and the command line together. */

/** The configuration file, if there is one, with what the command line says instead. BAD_INPUT. Caller owns. */
RescueLineConfig *rescue_line_settings_load(const RescueLineRun *run, GError **error);
/** Where the server listens; `ret_owned` (caller frees) holds the address. BAD_INPUT. */
bool rescue_line_settings_listen(const RescueLineConfig *config,
				 RescueLineServerOptions *ret_options, char **ret_owned,
				 GError **error);
