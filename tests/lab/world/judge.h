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
/** What the record says of one phone. */
typedef struct {
	unsigned erased, uploads, resets;
	unsigned commands; /* that change something, to the boot loader */
	unsigned engines;  /* most that took turns at it */
	bool left_mode;    /* it was in another mode than in the beginning, on the bus */
	const char *mode;  /* the last one; NULL: none. Borrowed, as the next */
	const char *build; /* the last one that booted; NULL: none */
} LabTold;

/** Zeros and NULLs for a phone that the record does not know. */
void lab_judge_tell(const LabJudge *judge, const char *phone, LabTold *ret_told);
/** Borrowed. */
const LabScenario *lab_judge_scenario(const LabJudge *judge);
/** How often this phone was erased so far. */
unsigned lab_judge_erased(const LabJudge *judge, const char *phone);
/** Something is expected that time may still bring: a build that boots, a mode. */
bool lab_judge_is_waiting(const LabJudge *judge);

typedef struct {
	int exit_status;
	const char *stdout_path, *stderr_path; /* what the command printed */
	const char *events_path;               /* what it wrote to $LAB_DIR/events, if it did */
	const char *dir;                       /* $LAB_DIR */
	char **words;                          /* of the command */
	bool left;                             /* processes, which had to be killed */
} LabOutcome;

/**
 * One sentence for each expectation that was not met; an empty array when all were. A scenario that says nothing
 * about the exit status expects 0. Caller frees.
 */
GPtrArray *lab_judge_verdict(const LabJudge *judge, const LabOutcome *outcome);
