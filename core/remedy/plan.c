/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/remedy/experience.h"
#include "core/remedy/ladder.h"

/* a failure that came back after the device has begun anew so often is none that this cures */
#define MAX_DEVICE_CHANGES 2
/* where a back-off stops doubling, whatever the policy's limit */
#define MAX_DOUBLINGS 20

static bool
mode_fits(RescueWhen when, RescueMode mode)
{
	switch (when) {
	case RESCUE_WHEN_ATTACHED:
		return mode != RESCUE_MODE_ABSENT;
	case RESCUE_WHEN_ABSENT:
		return mode == RESCUE_MODE_ABSENT;
	case RESCUE_WHEN_RECOVERY:
		return mode == RESCUE_MODE_RECOVERY || mode == RESCUE_MODE_NORMAL;
	case RESCUE_WHEN_LOADER:
		return mode == RESCUE_MODE_RECOVERY || mode == RESCUE_MODE_DFU;
	case RESCUE_WHEN_RESTORE:
		return mode == RESCUE_MODE_RESTORE;
	default:
		return true;
	}
}

static bool
is_same_trouble(const RescueFacts *facts, const RescueTried *tried)
{
	return tried->failure == facts->failure && tried->phase == facts->phase;
}

static unsigned
count_tried(const RescueFacts *facts, const GArray *tried, RescueRemedy remedy)
{
	unsigned n = 0;
	for (guint i = 0; tried != NULL && i < tried->len; i++) {
		const RescueTried *one = &g_array_index(tried, RescueTried, i);
		if (one->remedy == remedy && is_same_trouble(facts, one))
			n++;
	}
	return n;
}

/* how often the device began anew, in vain */
static unsigned
count_device_changes(const RescueFacts *facts, const GArray *tried)
{
	unsigned n = 0;
	for (guint i = 0; tried != NULL && i < tried->len; i++) {
		const RescueTried *one = &g_array_index(tried, RescueTried, i);
		if (one->took_effect && is_same_trouble(facts, one) &&
		    rescue_remedy_info(one->remedy)->level == RESCUE_LEVEL_DEVICE)
			n++;
	}
	return n;
}

/* What is looked for in a ladder. */
typedef struct {
	const RescueFacts *facts;
	const RescuePolicy *policy;
	const GArray *tried;
	bool escalated; /* time, and a device that begins anew, have not helped */
} Search;

static bool
is_allowed(const RescuePolicy *policy, const RescueRemedyInfo *info)
{
	const char *const *never = (const char *const *)policy->never;
	return never == NULL || !g_strv_contains(never, info->name);
}

static bool
is_possible(const Search *search, const RescueRung *rung)
{
	const RescueRemedyInfo *info = rescue_remedy_info(rung->remedy);
	if (!mode_fits(rung->when, search->facts->mode) || !is_allowed(search->policy, info) ||
	    count_tried(search->facts, search->tried, rung->remedy) >= rung->times)
		return false;
	if (info->needs != RESCUE_GIVEN_NOTHING && (search->facts->has & (1u << info->needs)) == 0)
		return false;
	return !search->escalated || info->level > RESCUE_LEVEL_DEVICE;
}

/* the next rung of this kind, NULL when they are used up; a later one only by what is known of both */
static const RescueRung *
find_rung(const Search *search, bool automatic)
{
	const GArray *experience = search->facts->experience;
	const RescueRung *rungs, *best = NULL;
	size_t n = rescue_ladder_rungs(search->facts->failure, &rungs);
	for (size_t i = 0; i < n; i++) {
		if (rescue_remedy_info(rungs[i].remedy)->automatic != automatic ||
		    !is_possible(search, &rungs[i]))
			continue;
		if (best == NULL ||
		    rescue_experience_prefers(experience, rungs[i].remedy, best->remedy))
			best = &rungs[i];
	}
	return best;
}

static bool
was_last(const GArray *tried, RescueRemedy remedy)
{
	return tried != NULL && tried->len > 0 &&
	       g_array_index(tried, RescueTried, tried->len - 1).remedy == remedy;
}

/* doubles with every earlier try of the same remedy for the same trouble */
static int
back_off(const RescueFacts *facts, const RescuePolicy *policy, const GArray *tried,
	 RescueRemedy remedy)
{
	unsigned doublings = MIN(count_tried(facts, tried, remedy), MAX_DOUBLINGS);
	int64_t pause_ms = (int64_t)MAX(policy->pause_ms, 1) << doublings;
	return (int)MIN(pause_ms, MAX(policy->pause_max_ms, 1));
}

static RescuePlan
ask(const RescueRung *rung)
{
	RescueRemedy remedy = rung != NULL ? rung->remedy : RESCUE_REMEDY_GIVE_UP;
	return (RescuePlan){ .remedy = remedy, .needs_operator = rung != NULL };
}

RescuePlan
rescue_plan_next(const RescueFacts *facts, const RescueBudget *budget, const RescuePolicy *policy,
		 const GArray *tried)
{
	const RescuePlan give_up = { .remedy = RESCUE_REMEDY_GIVE_UP };
	const RescueFailureInfo *info = rescue_failure_info(facts->failure);
	const Search search = {
		.facts = facts,
		.policy = policy,
		.tried = tried,
		/* what time and a new beginning cannot cure */
		.escalated = info->retry == RESCUE_RETRY_NO ||
			     count_device_changes(facts, tried) >= MAX_DEVICE_CHANGES,
	};
	const RescueRung *person = find_rung(&search, false);
	const RescueRung *rung = find_rung(&search, true);
	bool spent = budget->attempts == 0 || budget->ms <= 0;
	if (info->retry == RESCUE_RETRY_NO && (rung == NULL || spent))
		return info->category == RESCUE_CATEGORY_DEVICE_STATE ? ask(person) : give_up;
	if (spent)
		return give_up;
	if (rung == NULL)
		return ask(person);
	RescuePlan plan = { .remedy = rung->remedy };
	if (rung->remedy == RESCUE_REMEDY_PAUSE || was_last(tried, rung->remedy))
		plan.pause_ms = back_off(facts, policy, tried, rung->remedy);
	return plan.pause_ms < budget->ms ? plan : give_up;
}
