/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/json.h"
#include "core/config/line.h"
#include "core/line/station.h"

/*
 * What others are told about: found by looking at the bench after each change and comparing it with what was told
 * before. A noticer that was made anew, by a daemon that was started again, first recalls what its predecessor told,
 * and so neither repeats that nor misses what happened in between. Pure.
 */
typedef struct RescueNoticer RescueNoticer;

/** Takes the event over, which has everything but a number; false: it was not kept, and comes again the next time. */
typedef bool (*RescueNoticeSink)(RescueNoticeKind kind, RescueJson *event, void *data);

/** `name`: of the station, copied. Caller owns. */
RescueNoticer *rescue_noticer_new(const char *name);
/** Accepts NULL. */
void rescue_noticer_free(RescueNoticer *noticer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueNoticer, rescue_noticer_free)
/** An event that was told before, in their order. */
void rescue_noticer_recall(RescueNoticer *noticer, const RescueJson *event);
/** Tells the sink what is new, in the order of phones and ports. */
void rescue_noticer_look(RescueNoticer *noticer, const RescueStation *station, int64_t wall_us,
			 RescueNoticeSink sink, void *data);
