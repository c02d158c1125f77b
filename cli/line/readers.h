/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

#include "cli/line/past.h"

/*
 * Children that read of past jobs what somebody asked, a few at once, each with a deadline. The answer comes in a file
 * in memory that the child was given: however long it is, the daemon never holds it.
 */
typedef struct RescueReaders RescueReaders;
typedef struct RescueReading RescueReading;

typedef struct {
	/** The command of a child but for the descriptor it writes to: program, "line", "read". NULL-terminated. */
	const char *const *command;
	unsigned most; /* at once */
	unsigned deadline_ms;
} RescueReadersSpec;

typedef void (*RescueReadingDone)(const RescueRead *read, void *data);

/** Copies what it needs. Caller owns. */
RescueReaders *rescue_readers_new(const RescueReadersSpec *spec);
/** All readings have been freed before; children that have not ended yet are killed. Accepts NULL. */
void rescue_readers_free(RescueReaders *readers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueReaders, rescue_readers_free)
/**
 * `past`: rescue_past_write(). `done` is called once, from the loop. BUSY: as many as may read already; HOST_IO. Caller
 * owns, also behind `done`.
 */
RescueReading *rescue_reading_new(RescueReaders *readers, const char *past, RescueReadingDone done,
				  void *data, GError **error);
/** A child that still reads is ended, and `done` is not called any more. May be called by `done`. Accepts NULL. */
void rescue_reading_free(RescueReading *reading);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueReading, rescue_reading_free)
