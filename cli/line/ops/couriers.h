/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/config/line.h"
#include "core/line/station.h"

/*
 * The daemon's side of telling others. After each change of the bench it looks what is new, appends that to the outbox,
 * and sees to it that a child (`line deliver`) runs for each webhook or hook that is behind. Nothing here waits: what
 * is slow, hangs or crashes is a child's matter, and is tried again by the next one; one that does not end is ended.
 */
typedef struct RescueCouriers RescueCouriers;

/** In STATE/jobs/JOB: what was told about the end of the job, for reports; it goes with the job. */
#define RESCUE_NOTICE_FILE "notice"

/** A sentence for the log. */
typedef void (*RescueCourierLog)(const char *sentence, void *data);

typedef struct {
	/**
	 * The command of such a child up to its name: program, "line", "deliver" and options. NULL-terminated. What it
	 * is to tell whom comes on its stdin.
	 */
	const char *const *command;
	const char *state_dir;
	unsigned patience_ms; /* with one child; 0: what all that it may tell can take */
	RescueCourierLog log;
	void *data;
} RescueCouriersSpec;

/** Copies what it needs of both. HOST_IO when there can be no outbox. Caller owns. */
RescueCouriers *rescue_couriers_new(const RescueCouriersSpec *spec, const RescueLineConfig *config,
				    GError **error);
/** Children that tell somebody do that to its end, and the next daemon's go on behind them. Accepts NULL. */
void rescue_couriers_free(RescueCouriers *couriers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueCouriers, rescue_couriers_free)
/** Other webhooks and hooks from now on. One that is new is told what happens from now on. */
void rescue_couriers_configure(RescueCouriers *couriers, const RescueLineConfig *config);
/** To be called after each change of the bench: cheap when nothing is new. */
void rescue_couriers_look(RescueCouriers *couriers, const RescueStation *station, int64_t wall_us);
