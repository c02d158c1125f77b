/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Which catalogue servers want to be left alone, and until when: kept on disk, so that all jobs of a station obey. */
typedef struct RescueBackoff RescueBackoff;

/** What is kept below `cache_dir`; wall time is a parameter. Never NULL; caller owns. */
RescueBackoff *rescue_backoff_load(const char *cache_dir, int64_t now_us);
/** Accepts NULL. */
void rescue_backoff_free(RescueBackoff *backoff);
/** False while the host of this address is to be left alone. */
bool rescue_backoff_may_ask(const RescueBackoff *backoff, const char *url);
/** It failed or is too busy: two seconds, doubled with each failure up to a quarter of an hour, or what it asks for. */
void rescue_backoff_note(RescueBackoff *backoff, const char *url, int64_t retry_after_ms);
/** It answered. */
void rescue_backoff_clear(RescueBackoff *backoff, const char *url);
