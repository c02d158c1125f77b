/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

/** Writes the whole file or nothing: temporary name, fsync, rename, fsync of the folder. `mode` as in chmod. */
bool rescue_path_write(const char *path, const char *text, size_t size, unsigned mode,
		       GError **error);
/** The same for whoever looks, but does not wait for the disk: after a power cut it may be gone, or empty. */
bool rescue_path_put(const char *path, const char *text, size_t size, unsigned mode,
		     GError **error);
/** What anybody has written into this file is on the disk when this returns. HOST_IO. */
bool rescue_path_force(const char *path, GError **error);
/**
 * Writes into what is there already, in one write: an attribute of the kernel, which takes a value whole or not at all.
 * HOST_IO; nothing is created.
 */
bool rescue_path_set(const char *path, const char *value, GError **error);
/** Creates the folder and its parents (0700 for those it makes); an existing one is fine. */
bool rescue_path_make_dir(const char *path, GError **error);
/** A whole small file; more than `max_bytes` is an error. Caller frees; NUL-terminated. */
char *rescue_path_read(const char *path, size_t max_bytes, size_t *ret_size, GError **error);
/** True when `path` has no ".." and lies below `dir` (both absolute). */
bool rescue_path_is_below(const char *path, const char *dir);
