/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/process/notify.h"
#include "core/process/process.h"
#include "core/store/journal.h"

/* What the files of idevicerescue-lab-line share. */

/** A phone as the station's journal tells it. */
typedef struct {
	char *state, *port, *job;
	bool alive; /* its job runs */
	bool asked; /* it was told to begin once more */
} LinePhone;

typedef struct LineFigures LineFigures;

/** The whole bench. */
typedef struct {
	unsigned phones, limit, restores, kills, every_ms, wants_figures, faults, harm,
	    lenient; /* as wanted */
	unsigned killed, asked, jobs;
	char *state, *station, *rules, *output;
	RescueProcess *daemon;
	RescueJournalTail *tail;
	RescueNotify *news;
	GHashTable *states; /* ECID as text to LinePhone */
	bool stopping, ended;
	int status;
	LineFigures *figures; /* NULL: none are wanted */
} Line;

/** Compares what station, jobs and lab tell; prints what does not fit and returns how much that is. */
unsigned line_judge(const Line *line);

/** The processes of jobs that a daemon of this pid has started, as text; for each `take` is called. */
void line_each_job(pid_t daemon, void (*take)(const char *pid, void *data), void *data);

/** From now on processor time, memory and the way of events are measured, if that is wanted. */
void line_figures_begin(Line *line);
/** Prints them. */
void line_figures_end(Line *line);
