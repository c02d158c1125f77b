/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/json.h"
#include "core/failure/failure.h"
#include "core/model/mode.h"
#include "core/model/policy.h"

/* What can be changed between two tries; one line each in remedy.def. */
typedef enum {
#define RESCUE_REMEDY(id, name, who, text) RESCUE_REMEDY_##id,
#include "core/remedy/remedy.def"
#undef RESCUE_REMEDY
	RESCUE_REMEDY_LAST
} RescueRemedy;

typedef struct {
	const char *name;
	bool automatic;   /* false: a person has to do it */
	const char *text; /* what is done, or what the person should do */
} RescueRemedyInfo;

/** Static; never NULL. */
const RescueRemedyInfo *rescue_remedy_info(RescueRemedy remedy);
bool rescue_remedy_parse(const char *name, RescueRemedy *ret_remedy);
/** The ladder of a failure (ladder.def): remedies in the order in which they are tried. Borrowed. */
size_t rescue_remedy_ladder(RescueFailure failure, const RescueRemedy **ret_remedies);
/** [{"name", "automatic", "text"}…] for the diagnose object; caller owns. */
RescueJson *rescue_remedy_ladder_json(RescueFailure failure);

/** What the planner knows. */
typedef struct {
	RescueFailure failure;
	RescuePhase phase; /* where it broke */
	RescueMode mode;   /* where the device is now */
	bool unattended;   /* nobody can be asked */
	bool data_erased;  /* its former data are gone already */
} RescueFacts;

typedef struct {
	unsigned attempts; /* engine runs left */
	int64_t ms;        /* of the job's deadline left */
} RescueBudget;

/** One earlier failure of this job and what was done about it. */
typedef struct {
	RescueFailure failure;
	RescuePhase phase;
	RescueRemedy remedy;
	bool took_effect;
} RescueTried;

typedef struct {
	RescueRemedy remedy; /* GIVE_UP ends the job */
	int pause_ms; /* to wait before the next try, after the remedy; from the policy's back-off */
	/**
	 * Only a person can help now; `remedy` is what the person should do (its text, for people). An unattended job
	 * ends as needs-operator; an attended one may ask, wait, and note the remedy as tried. With GIVE_UP: never.
	 */
	bool needs_operator;
} RescuePlan;

/**
 * The next remedy. Pure. It changes something that the failure points at: the first automatic rung of the ladder whose
 * precondition holds (rung table in ladder.def: needed mode) and that was not used up for the same failure in the same
 * step; the same failure a third time after real changes escalates to a person; then the first rung for a person that
 * was not tried, with needs_operator; then GIVE_UP. RETRY_NO and a spent budget give up at once, except that a state
 * of the device that only a person can change asks for one. The remedy of the last try comes again only with a pause.
 * `tried` (RescueTried) oldest first, NULL: none.
 */
RescuePlan rescue_plan_next(const RescueFacts *facts, const RescueBudget *budget,
			    const RescuePolicy *policy, const GArray *tried);
