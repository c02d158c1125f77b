/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdio.h>

/** The columns of the terminal behind `stream`, or 0 when there is none: then nothing is wrapped. */
unsigned rescue_terminal_columns(FILE *stream);
/**
 * Breaks lines between words so that none is wider than `columns`; what follows a break stands two columns deeper than
 * its line's own indent. A word wider than that stays whole, so that paths and links can be copied. 0 columns leave the
 * text as it is. Pure; caller frees.
 */
char *rescue_wrap(const char *text, unsigned columns);
