/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stddef.h>

/*
 * Which of some hundred patterns can match a line at all, in one pass over the line: every pattern is filed under four
 * characters of its literal text that as few others as possible share. What is found still has to be matched.
 */
typedef struct RescueFinder RescueFinder;

/** `patterns` are borrowed for the finder's life; their indices are the answers. */
RescueFinder *rescue_finder_new(const char *const *patterns, size_t n);
void rescue_finder_free(RescueFinder *finder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueFinder, rescue_finder_free)

/** Looks through one line and keeps what it found until the next call. */
void rescue_finder_look(RescueFinder *finder, const char *text);
/** The first pattern from index `from` on that may match the line; the number of patterns when there is none. */
size_t rescue_finder_next(const RescueFinder *finder, size_t from);
