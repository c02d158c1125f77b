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
	bool alive;       /* its job runs */
	bool asked;       /* it was told to begin once more */
	bool prepared;    /* somebody held its buttons for that */
	int64_t tried_us; /* when that was said last */
} LinePhone;

typedef struct LineFigures LineFigures;
typedef struct LineHarm LineHarm;
typedef struct Line Line;

/** A line of harm.def. */
typedef struct {
	const char *word;
	bool (*strike)(LineHarm *harm); /* false: not now, but a moment later */
	const char *mark;
	int signal;
} LineHarmKind;

enum {
	LINE_HARM_KINDS = 22, /* lines of harm.def */
	LINE_SPARE_PORTS = 8, /* where phones are moved to */
	LINE_NOBODY = 100000,
};

/** The whole bench. */
struct Line {
	unsigned phones, limit, restores, kills, every_ms, wants_figures, faults, hold,
	    lenient; /* as wanted */
	unsigned harms[LINE_HARM_KINDS], victims, after_ms, within_ms, disk, clocks;
	uint32_t seed;
	unsigned killed, asked, jobs, moved;
	/* number of the phone whose engine did not wait for its turn; LINE_NOBODY */
	unsigned loose;
	char *state, *station, *rules, *output;
	RescueProcess *daemon;
	RescueJournalTail *tail;
	RescueNotify *news;
	GHashTable *states; /* ECID as text to LinePhone */
	bool stopping, ended;
	int status;
	LineFigures *figures; /* NULL: none are wanted */
	GRand *dice;
	GHashTable *harmed; /* ECIDs as text of phones that may notice something */
	GPtrArray *pending; /* LineHarm */
	RescueProcess *second;
};

/** The ECID of phone `number` as journals tell it. Caller frees. */
char *line_ecid(unsigned number);
/** The other way round. */
unsigned line_number(const char *ecid);
/** Writes the station file, and rules. */
void line_write_station(const Line *line);
/** A daemon is started. Caller owns the result. */
RescueProcess *line_start_daemon(Line *line, RescueProcessExit on_exit);

/** Compares what station, jobs and lab tell; prints what does not fit and returns how much that is. */
unsigned line_judge(const Line *line);

/** With `hold`: how many system images were sent at once, by the lab's record; 1 when that were too many. */
unsigned line_judge_transfers(const Line *line);

/** The processes of jobs that a daemon of this pid has started, as text; for each `take` is called. */
void line_each_job(pid_t daemon, void (*take)(const char *pid, void *data), void *data);

/** From now on processor time, memory and the way of events are measured, if that is wanted. */
void line_figures_begin(Line *line);
/** Prints them. */
void line_figures_end(Line *line);

/** The number that this word sets, and how long it is with its ‘=’; NULL: it is not one of harm.def. */
unsigned *line_harm_option(Line *line, const char *word, size_t *ret_size);
/** With `disk` the state folder has one of its own; in a mount namespace of the caller's. */
void line_mount_disk(const Line *line);
/** What somebody at the bench does with this phone now, in the words of a scenario. */
void line_tell_lab(const char *ecid, const char *deed);
/** What is wanted begins to happen. */
void line_harm_begin(Line *line);
/** Something happened to this phone, or to what works for it. */
bool line_is_harmed(const Line *line, const char *ecid);
/** A daemon that does not start may have met what befell its files; it is started again. */
bool line_may_refuse(const Line *line);
/** How much of what was wanted did not come about. */
unsigned line_harm_end(Line *line);
void line_harm_free(Line *line);
