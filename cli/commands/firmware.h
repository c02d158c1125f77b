/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "cli/common/cli.h"
#include "core/model/release.h"

/* The actions of `firmware`: one file for the depot, one for downloads. */

/** The options of all actions, as typed; which action takes which is in the table of firmware.c. */
typedef struct {
	gboolean worker, check, beta, latest, refresh, distrust;
	char *version, *build, *url, *sha256, *release, *patience, *older;
	char **arguments; /* what stands behind the action; borrowed */
} RescueFirmwareOptions;

void rescue_firmware_options_clear(RescueFirmwareOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueFirmwareOptions, rescue_firmware_options_clear)

/** Each returns the exit status. */
int rescue_firmware_list(const RescueCli *cli, const RescueFirmwareOptions *options);
int rescue_firmware_verify(const RescueCli *cli, const RescueFirmwareOptions *options);
int rescue_firmware_prune(const RescueCli *cli, const RescueFirmwareOptions *options);
int rescue_firmware_fetch(const RescueCli *cli, const RescueFirmwareOptions *options);
/** The children of list and fetch. */
int rescue_firmware_list_worker(const RescueCli *cli, const RescueFirmwareOptions *options);
int rescue_firmware_fetch_worker(const RescueCli *cli, const RescueFirmwareOptions *options);
