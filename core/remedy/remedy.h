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
#define RESCUE_REMEDY(id, name, level, needs, cost, risk, sign, text, past) RESCUE_REMEDY_##id,
#include "core/remedy/remedy.def"
#undef RESCUE_REMEDY
	RESCUE_REMEDY_LAST
} RescueRemedy;

/** What a remedy changes; all but PERSON are automatic. */
typedef enum {
	RESCUE_LEVEL_TIME,
	RESCUE_LEVEL_DEVICE,
	RESCUE_LEVEL_HOST,
	RESCUE_LEVEL_JOB,
	RESCUE_LEVEL_PERSON,
} RescueLevel;

/** What has to be there for a remedy, beside the device's mode. */
typedef enum {
	RESCUE_GIVEN_NOTHING,
	RESCUE_GIVEN_SUSPEND, /* this computer may suspend the device's port */
	RESCUE_GIVEN_SWITCH,  /* the device's port can be switched without any other */
	RESCUE_GIVEN_OTHER_ENGINE, /* one that can be used and was not tried, and nobody has chosen one */
	RESCUE_GIVEN_OWN_FILE, /* the job has fetched the firmware itself, and not proven it yet */
	RESCUE_GIVEN_PATIENCE, /* the step was ended because it made no progress */
	RESCUE_GIVEN_USBMUXD,  /* it can be restarted, and nobody else depends on it */
	/* it broke while it was sent something, and other jobs use the same USB bus */
	RESCUE_GIVEN_BUS_SHARED,
	RESCUE_GIVEN_CONSENT_LATEST,
	RESCUE_GIVEN_CONSENT_BASEBAND,
	RESCUE_GIVEN_CONSENT_ERASE,
	RESCUE_GIVEN_LAST
} RescueGiven;

/** How it is seen that a remedy took effect. */
typedef enum {
	RESCUE_SIGN_MODE,
	RESCUE_SIGN_PLACE,
	RESCUE_SIGN_TIME,
	RESCUE_SIGN_ANSWER,
	RESCUE_SIGN_HOST,
	RESCUE_SIGN_TRY,
} RescueSign;

typedef struct {
	const char *name;
	RescueLevel level;
	RescueGiven needs;
	unsigned cost_s; /* usual seconds */
	bool risks_data; /* of the owner */
	RescueSign sign;
	bool automatic;   /* false: a person has to do it */
	const char *text; /* what is done, or what the person should do */
	const char *past; /* what was done or asked for; rescue_remedy_tell_past() */
} RescueRemedyInfo;

/** Static; never NULL. */
const RescueRemedyInfo *rescue_remedy_info(RescueRemedy remedy);
/** "waited 8 s", "restarted the device out of restore mode (12 s)": for reports; caller frees. */
char *rescue_remedy_tell_past(RescueRemedy remedy, int64_t ms);
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
	/* RescueExperience with this failure in this step, borrowed; NULL: none */
	const GArray *experience;
	unsigned has; /* bits 1u << RescueGiven: what is there */
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
 * The next remedy. Pure. It changes something that the failure points at: the first automatic rung of the ladder
 * whose precondition holds (needed mode in ladder.def, what else it needs in remedy.def), that the policy allows, and
 * that was not used up for the same failure in the same step. When the same failure has come back after two real
 * changes of the device, or can never be cured by those (RETRY_NO), only changes of this computer or of the job are
 * left, each once; then the first rung for a person that was not tried, with needs_operator; then GIVE_UP. RETRY_NO
 * without such a change, and a spent budget, give up at once, except that a state of the device that only a person can
 * change asks for one. The remedy of the last try comes again only with a pause.
 * `tried` (RescueTried) oldest first, NULL: none.
 */
RescuePlan rescue_plan_next(const RescueFacts *facts, const RescueBudget *budget,
			    const RescuePolicy *policy, const GArray *tried);
