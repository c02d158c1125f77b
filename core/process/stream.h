/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/process/lines.h"

/*
 * Inner part of core/process: what a child writes, as lines, from a pipe or from the file it writes
 * to. Little is read per turn of the loop, so a flood delays nobody else.
 */
typedef struct RescueStream RescueStream;

typedef void (*RescueStreamDone)(void *data);

/** Takes `fd` over. */
RescueStream *rescue_stream_new_pipe(int fd, RescueLinesSink sink, void *data);
/** From the file's beginning on, as it grows; NULL (HOST_IO) when it cannot be opened. */
RescueStream *rescue_stream_new_file(const char *path, RescueLinesSink sink, void *data,
				     GError **error);
/**
 * Nothing more will be written: delivers what is still there, then calls `done`, both from the
 * loop.
 */
void rescue_stream_finish(RescueStream *stream, RescueStreamDone done);
/** Of a file: what was written up to now is delivered before this returns. */
void rescue_stream_catch_up(RescueStream *stream);
/** Accepts NULL. May be called by the stream's own sink. */
void rescue_stream_free(RescueStream *stream);
