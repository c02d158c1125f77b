/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/remedy/ladder.h"

/* a failure that came back after so many real changes is for a person */
#define CHANGES_BEFORE_PERSON 2
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

/* a pause changes nothing but the time */
static unsigned
count_changes(const RescueFacts *facts, const GArray *tried)
{
	unsigned n = 0;
	for (guint i = 0; tried != NULL && i < tried->len; i++) {
		const RescueTried *one = &g_array_index(tried, RescueTried, i);
		if (one->took_effect && one->remedy != RESCUE_REMEDY_PAUSE &&
		    is_same_trouble(facts, one))
			n++;
	}
	return n;
}

/* the next rung of this kind, NULL when they are used up */
static const RescueRung *
find_rung(const RescueFacts *facts, const GArray *tried, bool automatic)
{
	const RescueRung *rungs;
	size_t n = rescue_ladder_rungs(facts->failure, &rungs);
	for (size_t i = 0; i < n; i++) {
		if (rescue_remedy_info(rungs[i].remedy)->automatic == automatic &&
		    mode_fits(rungs[i].when, facts->mode) &&
		    count_tried(facts, tried, rungs[i].remedy) < rungs[i].times)
			return &rungs[i];
	}
	return NULL;
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
	const RescueRung *person = find_rung(facts, tried, false);
	if (info->retry == RESCUE_RETRY_NO)
		return info->category == RESCUE_CATEGORY_DEVICE_STATE ? ask(person) : give_up;
	if (budget->attempts == 0 || budget->ms <= 0)
		return give_up;
	const RescueRung *rung = NULL;
	if (count_changes(facts, tried) < CHANGES_BEFORE_PERSON)
		rung = find_rung(facts, tried, true);
	if (rung == NULL)
		return ask(person);
	RescuePlan plan = { .remedy = rung->remedy };
	if (rung->remedy == RESCUE_REMEDY_PAUSE || was_last(tried, rung->remedy))
		plan.pause_ms = back_off(facts, policy, tried, rung->remedy);
	return plan.pause_ms < budget->ms ? plan : give_up;
}
