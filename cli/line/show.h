/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cli/common/cli.h"
#include "cli/line/view.h"
#include "core/line/supervisor.h"

/* What the daemon shows of itself: its side of view.h. */
typedef struct RescueLineShow RescueLineShow;

typedef struct {
	const RescueCli *cli;
	const char *name; /* of the station */
	RescueSupervisor *supervisor;
	/** The files are read again. */
	bool (*reload)(void *data, GError **error);
	/** An operator did something: what follows is to be done soon. */
	void (*acted)(void *data);
	void *data;
} RescueLineShowSpec;

extern const RescueLineView rescue_line_show_view; /* self is a RescueLineShow */

/** All borrowed but the name. Caller owns. */
RescueLineShow *rescue_line_show_new(const RescueLineShowSpec *spec);
/** Accepts NULL. */
void rescue_line_show_free(RescueLineShow *show);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueLineShow, rescue_line_show_free)
/** Another name from now on. */
void rescue_line_show_rename(RescueLineShow *show, const char *name);
/** Something about this phone has changed; an ECID as text, NULL: perhaps about all of them. */
void rescue_line_show_touch(RescueLineShow *show, const char *ecid);
/** A line of a job's journal: it is counted. */
void rescue_line_show_count(RescueLineShow *show, const RescueJson *event);
/** Once, at the start: counts what the jobs of the last day have told, those excepted that were counted by now. */
void rescue_line_show_recall(RescueLineShow *show);
/** A sentence worth showing. */
void rescue_line_show_report(RescueLineShow *show, const char *text);
