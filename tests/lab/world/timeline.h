/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "tests/lab/scenario/scenario.h"

/*
 * What happens to the phones of a world by the clock or by request: arrivals, and the deeds of
 * scenario/deed.h.
 */
typedef struct LabTimeline LabTimeline;

/**
 * `phones` (of LabPhone, in the scenario's order) and `scenario` are borrowed. Makes the FIFO
 * `control`. Caller owns the result.
 */
LabTimeline *lab_timeline_new(const LabScenario *scenario, const GPtrArray *phones,
			      const char *control, GError **error);
/** Before the phones go. Accepts NULL. */
void lab_timeline_free(LabTimeline *timeline);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LabTimeline, lab_timeline_free)
/** Plugs in the phones that are there from the beginning. */
void lab_timeline_plug(LabTimeline *timeline);
/** The command starts now; said by “ready” on the FIFO where only a machine knows it. */
void lab_timeline_begin(LabTimeline *timeline);
/** What “exit N” said on the FIFO; false when nobody did. */
bool lab_timeline_exit_status(LabTimeline *timeline, int *ret_status);
/** Path of the FIFO; borrowed. */
const char *lab_timeline_control(const LabTimeline *timeline);
