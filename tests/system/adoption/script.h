/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* What happens to the supervisor, and when: "WHEN: ACTION ACTION …". */

typedef enum {
	CUE_NOW,   /* at once */
	CUE_TIME,  /* so long after the last start of the supervisor */
	CUE_STEP,  /* the lab's record shows that this step of the restore begins */
	CUE_EVENT, /* this text stands in the events of the present supervisor */
} CueKind;

typedef enum {
	ACTION_KILL,        /* SIGKILL to the supervisor */
	ACTION_KILL_ENGINE, /* SIGKILL to the engine */
	ACTION_START,       /* the same command again */
	ACTION_INT,         /* SIGINT to the supervisor */
	ACTION_OTHER,       /* another command comes by and has to be refused */
	ACTION_LAST
} Action;

typedef struct {
	CueKind kind;
	unsigned from_ms, to_ms; /* TIME: somewhere in between */
	char *text;              /* STEP, EVENT */
	GArray *actions;         /* of Action */
} Cue;

/**
 * "now", "ms 500", "ms 500-3000", "step nor" or "event TEXT", a colon behind it, and actions: kill, kill-engine,
 * start,
 * int, other. NULL when it is nothing of the kind. Caller owns.
 */
Cue *cue_parse(const char *text);
/** Accepts NULL. */
void cue_free(Cue *cue);
