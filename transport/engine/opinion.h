/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "core/port/ports.h"
#include "transport/engine/arguments.h"
#include "transport/engine/workdir.h"

/* Inner part of transport/engine: what the engine is told when it asks for a ticket and does nothing else (-t). */

/**
 * Runs it in that folder until it ends, or a deadline ends it; its transcript stays, the ticket that it saves goes
 * with the cache. Judged by what it says: 1.0.0 exits with 0 even when it could not save anything. Runs the loop.
 */
RescueRefusal rescue_opinion_ask(const RescueArguments *arguments, const RescueWorkdir *workdir);
/** What such a transcript says; for the above and its tests. Pure. */
RescueRefusal rescue_opinion_read(RescueDialect dialect, const char *const *lines);
