/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

#include "cli/common/cli.h"
#include "core/port/line.h"

/*
 * The jobs of a line as processes: `idevicerescue restore --line JOB`, in a group of its own, without a pipe to the
 * daemon, which reads what a job says where it is written first, in its journal. They go on when the daemon dies.
 */
typedef struct RescueLineJobs RescueLineJobs;

typedef struct {
	const RescueCli *cli; /* what jobs are told, too: folders, engine, servers; borrowed */
	/** A line of its journal; borrowed. */
	void (*on_event)(RescueEcid ecid, const RescueJson *event, void *data);
	/** Its process is gone, and all that it wrote was told; `words`: its last ones, or NULL. */
	void (*on_end)(RescueEcid ecid, const char *words, void *data);
	void *data;
} RescueLineJobsSpec;

extern const RescueJobsPort rescue_line_jobs_port; /* self is a RescueLineJobs */

/** Caller owns. */
RescueLineJobs *rescue_line_jobs_new(const RescueLineJobsSpec *spec);
/** Jobs go on. Accepts NULL. */
void rescue_line_jobs_free(RescueLineJobs *jobs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueLineJobs, rescue_line_jobs_free)
/** Policy files may have changed: they are read anew when they are needed. */
void rescue_line_jobs_forget_policies(RescueLineJobs *jobs);
