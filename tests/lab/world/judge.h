/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "tests/lab/scenario/scenario.h"

/*
 * Judges a run by the lab's own record, never by what the command says of itself.
 */
typedef struct LabJudge LabJudge;

/** `scenario` and the path are borrowed. */
LabJudge *lab_judge_new(const LabScenario *scenario, const char *record_path);
/** Accepts NULL. */
void lab_judge_free(LabJudge *judge);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LabJudge, lab_judge_free)
/** Reads what has been added to the record since the last time. */
void lab_judge_read(LabJudge *judge);
/** How often this phone was erased so far. */
unsigned lab_judge_erased(const LabJudge *judge, const char *phone);
/** Something is expected that time may still bring: a build that boots, a mode. */
bool lab_judge_is_waiting(const LabJudge *judge);

typedef struct {
	int exit_status;
	const char *stdout_path, *stderr_path; /* what the command printed */
	const char *events_path;               /* what it wrote to $LAB_DIR/events, if it did */
} LabOutcome;

/**
 * One sentence for each expectation that was not met; an empty array when all were. A scenario that says nothing
 * about the exit status expects 0. Caller frees.
 */
GPtrArray *lab_judge_verdict(const LabJudge *judge, const LabOutcome *outcome);
