/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/base/clock.h"
#include "core/run/run.h"

/*
 * What the journal of a job tells a supervisor that takes it up where another one died. Pure: events in, story out;
 * who looks for the journal, and who holds the device, is the caller's business.
 */
typedef struct {
	char *job; /* its name; NULL: the journal does not say */
	RescueEcid ecid;
	char *wish; /* the file, or which firmware was wished for: "latest" */
	char *behavior;
	bool done;               /* it has come to an end */
	RescueMoment supervised; /* when its last supervisor began */
	int64_t spent_ms;        /* of its time, before that one */
	RescueEngineRun engine;  /* the last one; pid 0: none was started */
	bool answered;           /* that engine's end: a remedy took effect, or it never ran */
	GArray *tried;           /* RescueTried */
	RescueResume resume;     /* borrows from the above */
} RescueStory;

/** Of events as a journal has them, RescueJson. Never NULL; caller owns. */
RescueStory *rescue_story_read(const GPtrArray *events);
void rescue_story_free(RescueStory *story);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueStory, rescue_story_free)
/**
 * True when `job` is the same wish, the story has begun something and has no end, and the time of `job` is not over:
 * then `story->resume` says where to go on.
 */
bool rescue_story_goes_on(RescueStory *story, const RescueJob *job, const RescueMoment *now);
/** The same, when it need not have begun anything: somebody knows that it is this very job. */
bool rescue_story_is_of(RescueStory *story, const RescueJob *job, const RescueMoment *now);
