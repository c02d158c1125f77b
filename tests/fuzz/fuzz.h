/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** One input for a parser, by libFuzzer's convention: with clang libFuzzer calls it, else driver.c. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
