/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

/**
 * Some files of a firmware are opened by the engine, so noise will not do: the modem's archive, tables of firmware
 * (ftab),
 * a battery chip's map, encrypted images. If `path` names one of them, the file around `content`; NULL: noise will
 * do.
 * Caller owns the result.
 */
GBytes *lab_special_file(const char *path, const GByteArray *content);
