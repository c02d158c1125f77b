/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdbool.h>

#include "core/model/job.h"
#include "core/run/resume.h"

/**
 * Finds the job to take up: the newest one of this device below `state_dir`, or the one whose orphaned engine holds
 * the device, when nobody supervises it any more and it goes on (rescue_story_goes_on). Its engine may live or have
 * died with its supervisor. NULL: there is nothing to take up; whether the device is free, the lock tells. A job that
 * only looks takes up nothing. Caller owns.
 */
RescueStory *rescue_takeover_find(const char *state_dir, const RescueJob *job,
				  const RescueMoment *now);
/**
 * The same when it is known which one: the job named `job->id`, where it left off. `ret_there`: it has a journal,
 * whether or not it can be gone on with.
 */
RescueStory *rescue_takeover_read(const char *state_dir, const RescueJob *job,
				  const RescueMoment *now, bool *ret_there);
