/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

#include "core/base/json.h"

/* The story of a job out of its events, live or from the journal. Pure. */
typedef struct RescueReport RescueReport;

RescueReport *rescue_report_new(void);
/** Tells attempts too, and when each thing was; to be said before the first event. */
void rescue_report_show_times(RescueReport *report);
/** Accepts NULL. */
void rescue_report_free(RescueReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueReport, rescue_report_free)
/** Takes a stamped event in; copies what it needs. */
void rescue_report_feed(RescueReport *report, const RescueJson *event);
/** Where the restore record of the job was written to; copied. */
void rescue_report_set_record(RescueReport *report, const char *path);
/** The "done" event; NULL while the job runs or when it was cut off. Borrowed. */
const RescueJson *rescue_report_done(const RescueReport *report);
/** "restored", …, or "unfinished". Borrowed. */
const char *rescue_report_outcome(const RescueReport *report);
/** All of it for people, several lines with their newlines; caller frees. */
char *rescue_report_format(const RescueReport *report);
