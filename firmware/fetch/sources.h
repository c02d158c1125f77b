/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* The addresses from which one file can be had: which one is used, which are given up, when to ask again. Pure. */
typedef struct RescueSources RescueSources;

/** Best first. */
RescueSources *rescue_sources_new(char *const *urls);
/** Accepts NULL. */
void rescue_sources_free(RescueSources *sources);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueSources, rescue_sources_free)
/** The one in use; NULL when all are given up. Borrowed. */
const char *rescue_sources_current(const RescueSources *sources);
/** The one in use brought bytes. */
void rescue_sources_fine(RescueSources *sources);
/**
 * It failed in a way that may pass: pauses double from half a second to half a minute, the server's own wish
 * (`retry_after_ms`, 0: none) is obeyed; after some failures in a row another one has its turn.
 */
void rescue_sources_failed(RescueSources *sources, int64_t now_us, int64_t retry_after_ms);
/** It is not asked again. False when none is left. */
bool rescue_sources_give_up(RescueSources *sources);
/** When the one in use may be asked. */
int64_t rescue_sources_ready_us(const RescueSources *sources);
