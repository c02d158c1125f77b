/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stddef.h>

#include "core/failure/transcript.h"

/*
 * The bytes of any log, cut into lines for a transcript in bounded memory, whatever they are: UTF-8 or something like
 * it, UTF-16 with or without a mark (iTunes on Windows), any kind of line end, colours, NULs, lines without end.
 */
typedef struct RescueReader RescueReader;

/** `transcript` is borrowed. */
RescueReader *rescue_reader_new(RescueTranscript *transcript);
void rescue_reader_free(RescueReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueReader, rescue_reader_free)

/** The next bytes, as many as there are. */
void rescue_reader_feed(RescueReader *reader, const void *bytes, size_t size);
/** The end of the log: a last line without its end counts too. */
void rescue_reader_finish(RescueReader *reader);
