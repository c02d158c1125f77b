/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/model/build.h"
#include "firmware/ipsw/zip.h"

/** Components up to this size are unpacked by a thorough check; the OS images are left to the engine. */
#define RESCUE_IPSW_CHECK_MAX_BYTES (UINT64_C(512) * 1024 * 1024)

/**
 * What a firmware file is, by its manifest and directory. Every component that its identities name must be there;
 * `thorough`: and its bytes fit their checksum (reads most of the file except the OS image). Errors carry a failure
 * of the kind firmware-file. Parses hostile input: meant for a process with few rights (see inspect.h). Caller owns.
 */
RescueFirmware *rescue_ipsw_read(const char *path, bool thorough, GError **error);
/**
 * The same of a file elsewhere, by its directory and manifest alone: every component is in the directory, nobody has
 * looked whether it is in the file too. Caller owns.
 */
RescueFirmware *rescue_ipsw_read_source(const char *name, const RescueZipSource *source,
					GError **error);
