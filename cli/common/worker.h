/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * Gives up what a reader of hostile files does not need: no new privileges, no file can be written (where
 * Linux has Landlock, none made or removed and no program run), no core dump,
 * bounded memory, CPU time and descriptors. To be called before the first hostile byte is read.
 */
bool rescue_worker_confine(GError **error);
/** The same for who unpacks a file of up to `bytes` below `folder`: nothing longer, and with Landlock nowhere else. */
bool rescue_worker_confine_unpacking(const char *folder, uint64_t bytes, GError **error);
/**
 * The same for who reads what the network says and keeps small answers (`may_download` false), or large files (true):
 * then neither the size of files nor processor time is bounded.
 */
bool rescue_worker_confine_online(bool may_download, GError **error);
