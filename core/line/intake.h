/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/model/device.h"
#include "core/model/job.h"
#include "core/model/release.h"

/*
 * Intake rules: which phone gets which job. An ordered list; the first rule that fits decides. Where no rule fits,
 * nothing is done. A phone is erased only where a rule says so, and such a rule fits only what is known to be
 * harmless (Find My and device management off) unless it names another answer itself. Devices of a kind that this
 * product refuses get no job from any rule. Pure.
 */

/** What the phone itself or its owner's accounts say; unknown in recovery mode and DFU. */
typedef struct {
	RescueAnswer find_my;
	RescueAnswer locked;  /* by its passcode, so that it does not talk */
	RescueAnswer managed; /* it is enrolled in somebody's device management */
} RescueOwnership;

/**
 * Of a phone as a query of it told. Find My counts as on, too, when only the activation lock is said to be; supervised
 * by an organisation counts as managed. Pure.
 */
RescueOwnership rescue_intake_ownership(const RescueDevice *device);

/** What the rules look at. Borrowed. */
typedef struct {
	const RescueDevice *device;
	const char *port; /* label */
	const char *scan; /* serial or order number that was scanned for it; NULL */
	RescueOwnership ownership;
} RescueIntakeFacts;

typedef enum {
	RESCUE_INTAKE_NOTHING, /* leave it alone */
	RESCUE_INTAKE_JOB,     /* erase or update */
	RESCUE_INTAKE_HOLD,    /* park it until somebody releases it */
	RESCUE_INTAKE_ASK,     /* a person has to do something first */
} RescueIntakeAction;

/** The decision. Strings owned; `rule`, `wish` and `say` are borrowed from the rules. */
typedef struct {
	RescueIntakeAction action;
	const char *rule;        /* its name; NULL: none fitted */
	RescueBehavior behavior; /* UNSAID without a job */
	const RescueWish *wish;  /* NULL without a job, or when `ipsw` says which file */
	const char *ipsw;
	const char *policy; /* name or file; NULL: the standard one */
	const char
	    *say;  /* what a person is to do or to know, in the rule's words; NULL; borrowed */
	char *why; /* one sentence for people: which rule decided, and what it says */
} RescueIntakeVerdict;

void rescue_intake_verdict_clear(RescueIntakeVerdict *verdict);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueIntakeVerdict, rescue_intake_verdict_clear)

typedef struct RescueIntakeRules RescueIntakeRules;

/** A rules file; BAD_INPUT. Caller owns. Groups [rule NAME] in order; conditions: intake-test.def. */
RescueIntakeRules *rescue_intake_parse(const char *text, size_t size, GError **error);
/** Accepts NULL. */
void rescue_intake_free(RescueIntakeRules *rules);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueIntakeRules, rescue_intake_free)
/** `rules` NULL: none. Caller clears the verdict, which lives no longer than the rules. */
void rescue_intake_decide(const RescueIntakeRules *rules, const RescueIntakeFacts *facts,
			  RescueIntakeVerdict *ret_verdict);
