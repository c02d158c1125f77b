/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/model/phase.h"

/*
 * The catalogue: every way in which a restore fails that an operator can tell apart. One line each in failure.def,
 * numbers in code.def. A RescueFailure is also the code of every GError in the domain RESCUE_ERROR.
 */
typedef enum {
	RESCUE_FAILURE_NONE,
#define RESCUE_FAILURE(id, name, phase, category, doc1, doc2, retry, means, advice) \
	RESCUE_FAILURE_##id,
#include "core/failure/failure.def"
#undef RESCUE_FAILURE
	RESCUE_FAILURE_LAST
} RescueFailure;

/** What kind of cause; the first five are those that the public guide documents. Table in category.def. */
typedef enum {
#define RESCUE_CATEGORY(id, name, exit_status, text) RESCUE_CATEGORY_##id,
#include "core/failure/category.def"
#undef RESCUE_CATEGORY
	RESCUE_CATEGORY_LAST
} RescueCategory;

typedef enum {
	RESCUE_RETRY_YES,          /* the same again may work */
	RESCUE_RETRY_AFTER_CHANGE, /* only with a change that a remedy names */
	RESCUE_RETRY_NO,
} RescueRetry;

/** How sure a judgement, or the meaning of a number, is. */
typedef enum {
	RESCUE_CONFIDENCE_LOW,
	RESCUE_CONFIDENCE_MEDIUM,
	RESCUE_CONFIDENCE_HIGH,
} RescueConfidence;

/** A number under which somebody else knows a failure; one line each in code.def, more about them in code.h. */
typedef struct {
	RescueFailure failure;
	const char *domain; /* itunes, tss, restored, mobiledevice, lockdown, … */
	int64_t value;
	const char *symbol;          /* its name in the headers of that domain; NULL: none */
	RescueCategory apple[2];     /* under which Apple lists it; RESCUE_CATEGORY_LAST: none */
	RescueConfidence confidence; /* of the meaning */
	uint32_t sources;            /* for rescue_code_source() */
	const char *means;           /* what this number says; NULL: what the failure says */
} RescueCode;

typedef struct {
	const char *name;  /* signing-refused */
	RescuePhase phase; /* where it usually happens; UNKNOWN: anywhere */
	RescueCategory category;
	RescueCategory documented[2]; /* the second may be RESCUE_CATEGORY_LAST: none */
	RescueRetry retry;
	const char *means;  /* one sentence for people */
	const char *advice; /* what the person should do, one or two sentences */
} RescueFailureInfo;

/** Static; never NULL, NONE and bad numbers give a neutral entry. */
const RescueFailureInfo *rescue_failure_info(RescueFailure failure);
bool rescue_failure_parse(const char *name, RescueFailure *ret_failure);
/** The failure of this number; `domain` NULL: of the first domain that has it. False for success and the unknown. */
bool rescue_failure_from_code(const char *domain, int64_t value, RescueFailure *ret_failure);
const char *rescue_category_name(RescueCategory category);
const char *rescue_category_text(RescueCategory category);
const char *rescue_retry_name(RescueRetry retry);
/** "high", "medium", "low". */
const char *rescue_confidence_name(RescueConfidence confidence);
/** Exit status of the contract for a job or command that ended with this failure: 10-14 by the first documented
 * category, 2 for usage, 75 for device-state that needs a person, else 3; 1 for internal. */
int rescue_failure_exit_status(RescueFailure failure);
