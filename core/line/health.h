/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/failure/failure.h"
#include "core/model/ecid.h"

/*
 * Which port, cable or hub makes restores fail, and which phone does. Each place has a score: the logarithm of how much
 * better "it fails in 42 % of restores" explains what happened there than "it fails like the rest of the station",
 * never below a credit that good behaviour earns. Beyond a limit the place is bad. Why so, and how often it is right
 * or wrong: docs/decisions/021-port-health.md. Pure; the order in which outcomes are added is the only time there is.
 */

typedef enum {
	RESCUE_PLACE_PORT,
	RESCUE_PLACE_CABLE,
	RESCUE_PLACE_HUB,
	RESCUE_PLACE_LAST,
} RescuePlaceKind;

/** The figures of the test. */
typedef struct {
	double expected;   /* share of restores that fail on good places, unless others show more */
	double weight;     /* how many restores that expectation is worth */
	unsigned recent;   /* so many restores elsewhere, the newest, tell what others fail */
	double doubt;      /* so many standard errors of that are granted to the station */
	double bad;        /* share that fail on a bad place */
	double credit;     /* the lowest score is minus this */
	double suspicious; /* score from which a place is named */
	double quarantine; /* score from which it is taken out of use */
	unsigned least;    /* fewer failures than these never take a place out of use */
	double probation;  /* score with which a place comes back for a re-test */
	unsigned proven;   /* so many passes of others make a port one that may blame a phone */
} RescueHealthRules;

/** The built-in figures. */
extern const RescueHealthRules rescue_health_rules;

/** One restore, or the part of it that a phone spent on one port. Borrowed. */
typedef struct {
	const char *names[RESCUE_PLACE_LAST]; /* labels of port, cable and hub; NULL: not known */
	RescueEcid ecid;
	bool failed;
} RescueRestoreOutcome;

typedef enum {
	RESCUE_STANDING_GOOD,
	RESCUE_STANDING_SUSPICIOUS,
	RESCUE_STANDING_BAD,
} RescueStanding;

typedef struct {
	RescueStanding standing;
	unsigned restores, failures; /* that count */
	double low, high;            /* 95 % interval of its share of failures (Wilson) */
	double elsewhere;            /* share of failures at all other places of late */
	double score;
	char *sentence; /* for people; owned */
} RescuePlaceHealth;

typedef struct {
	unsigned failures, ports; /* failures since it last passed, on so many different ports */
	bool blamed;              /* it failed on two good ports: it is the phone */
	char *sentence;           /* for people; owned */
} RescuePhoneHealth;

void rescue_place_health_clear(RescuePlaceHealth *health);
void rescue_phone_health_clear(RescuePhoneHealth *health);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescuePlaceHealth, rescue_place_health_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescuePhoneHealth, rescue_phone_health_clear)

typedef struct RescueHealth RescueHealth;

RescueHealth *rescue_health_new(void);
/** Accepts NULL. */
void rescue_health_free(RescueHealth *health);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueHealth, rescue_health_free)
/** False for failures that say nothing about a port: signing, network, this computer, the owner's settings. */
bool rescue_health_counts(RescueFailure failure);
void rescue_health_add(RescueHealth *health, const RescueRestoreOutcome *outcome);
/** The place is called otherwise from now on; what is known of it stays. */
void rescue_health_rename(RescueHealth *health, RescuePlaceKind kind, const char *from,
			  const char *to);
/** It is out of use: what happened there no longer counts for what the station expects. */
void rescue_health_condemn(RescueHealth *health, RescuePlaceKind kind, const char *name);
bool rescue_health_is_condemned(const RescueHealth *health, RescuePlaceKind kind, const char *name);
/** Back in use on probation: what happened there before is forgotten, but not that something did. */
void rescue_health_retest(RescueHealth *health, RescuePlaceKind kind, const char *name);
/** Caller clears. A hub or cable is bad only when it stays conspicuous without its worst port. */
void rescue_health_judge(const RescueHealth *health, RescuePlaceKind kind, const char *name,
			 RescuePlaceHealth *ret_health);
/** Caller clears. */
void rescue_health_judge_phone(const RescueHealth *health, RescueEcid ecid,
			       RescuePhoneHealth *ret_health);
/** 95 % interval of a share, by Wilson's score; 0 to 1 when there is nothing. */
void rescue_wilson(unsigned failures, unsigned restores, double *ret_low, double *ret_high);
