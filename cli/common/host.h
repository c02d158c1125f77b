/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "cli/common/checkup.h"
#include "core/port/ports.h"

/* Facts about this computer that break restores. */
typedef struct RescueHost RescueHost;

extern const RescueHostPort rescue_host_port; /* self is a RescueHost */

/**
 * `unpack_dir`: a folder on the file system on which the engine unpacks. What `checkup` names is borrowed, and the
 * path of the station file and the command that restarts usbmuxd, NULL when there is none.
 */
RescueHost *rescue_host_new(const char *unpack_dir, const RescueCheckup *checkup,
			    const char *station, const char *restart_usbmuxd);
/** Accepts NULL. */
void rescue_host_free(RescueHost *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueHost, rescue_host_free)
