/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/base/json.h"
#include "core/doctor/finding.h"

/* What was found, what was looked at and is fine, and what could not be looked at. */
typedef struct RescueFindings RescueFindings;

/** One finding; several sightings of the same are details of one. */
typedef struct {
	RescueFindingId id;
	GPtrArray *details; /* char *, each once */
} RescueFinding;

RescueFindings *rescue_findings_new(void);
/** Accepts NULL. */
void rescue_findings_free(RescueFindings *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueFindings, rescue_findings_free)

/** Notes a finding with what proves it: a name, a path, a line; copied. */
void rescue_findings_find(RescueFindings *report, RescueFindingId id, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
/** Notes a check that found nothing: "signing server gs.apple.com answers". */
void rescue_findings_pass(RescueFindings *report, const char *format, ...) G_GNUC_PRINTF(2, 3);
/** Notes what could not be looked at, and why. */
void rescue_findings_skip(RescueFindings *report, const char *what, const char *why);

/** RescueFinding, the severest first, then as in the table; borrowed. */
const GPtrArray *rescue_findings_list(RescueFindings *report);
/** char *, sentences without a full stop; borrowed. */
const GPtrArray *rescue_findings_passed(const RescueFindings *report);
/** char *, "what: why"; borrowed. */
const GPtrArray *rescue_findings_skipped(const RescueFindings *report);
/** Something was found that would break a restore. */
bool rescue_findings_breaks(const RescueFindings *report);

/** What a collector says: a JSON object on each line; caller frees. */
char *rescue_findings_to_lines(RescueFindings *report);
/** Adds one line of a collector; false for what is no such line. */
bool rescue_findings_add_line(RescueFindings *report, const char *line);

/** The object of docs/doctor.md; caller owns. */
RescueJson *rescue_findings_to_json(RescueFindings *report);
/** For people; `verbose` lists what is fine, too. Caller frees. */
char *rescue_findings_to_text(RescueFindings *report, bool verbose);
/** Every finding of the table as the page docs/doctor.md shows it; caller frees. */
char *rescue_findings_table(void);
