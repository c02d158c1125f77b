/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A large file on a web server, read here and there: a few requests for parts, each of which is kept for what is asked
 * next to it. Blocks: meant for a child process.
 */
typedef struct RescueRemote RescueRemote;

/** How much is read at once; directory and manifest of a firmware file are rarely larger. */
#define RESCUE_REMOTE_PART_BYTES (128u * 1024)
/** More than this is never fetched from one file: whoever needs it should download it. */
#define RESCUE_REMOTE_MAX_BYTES (UINT64_C(80) * 1024 * 1024)

/** "https://…": not a path. */
bool rescue_remote_is_address(const char *text);
/** Reads the end of the file, which tells its size too. Errors as of rescue_web_get_part(). Caller owns. */
RescueRemote *rescue_remote_open(const char *url, unsigned deadline_ms, GError **error);
/** Accepts NULL. */
void rescue_remote_free(RescueRemote *remote);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueRemote, rescue_remote_free)
uint64_t rescue_remote_size(const RescueRemote *remote);
/** Exactly `count` bytes at `offset`; `self` is a RescueRemote. DOWNLOAD_FAILED when the file is another one now. */
bool rescue_remote_read(void *self, void *buffer, size_t count, uint64_t offset, GError **error);
