/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/model/job.h"

const char *
rescue_behavior_name(RescueBehavior behavior)
{
	static const char *const names[] = {
		[RESCUE_BEHAVIOR_UNSAID] = "unsaid",
		[RESCUE_BEHAVIOR_UPDATE] = "update",
		[RESCUE_BEHAVIOR_ERASE] = "erase",
	};
	return behavior < G_N_ELEMENTS(names) ? names[behavior] : names[RESCUE_BEHAVIOR_UNSAID];
}

RescueJob *
rescue_job_new(void)
{
	RescueJob *job = g_new0(RescueJob, 1);
	job->policy = rescue_policy_new_standard();
	return job;
}

void
rescue_job_free(RescueJob *job)
{
	if (job == NULL)
		return;
	g_free(job->id);
	g_free(job->ipsw);
	rescue_wish_clear(&job->wish);
	g_free(job->engine);
	g_free(job->host);
	g_free(job->signing_server);
	rescue_policy_free(job->policy);
	g_free(job);
}

/* so many bits of the random number are left beside the microseconds of the second, below 2^20 */
#define RANDOM_BITS 12

/* the time goes on behind the dash: names of jobs sort in the order in which they were made */
char *
rescue_job_make_id(int64_t wall_us, uint32_t random)
{
	uint32_t rest_us = (uint32_t)(wall_us % G_USEC_PER_SEC);
	uint32_t tail = rest_us << RANDOM_BITS | (random & ((1u << RANDOM_BITS) - 1));
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(wall_us / G_USEC_PER_SEC);
	g_autofree char *stamp = g_date_time_format(time, "%Y%m%dT%H%M%S");
	return g_strdup_printf("%s-%08x", stamp, tail);
}
