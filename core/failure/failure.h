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

/** A number under which somebody else knows a failure. */
typedef struct {
	RescueFailure failure;
	const char *domain; /* itunes, tss, restored, mobiledevice, lockdown, … */
	int64_t value;
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
/** The codes of a failure: number of entries, first one in *ret_codes (borrowed, contiguous). */
size_t rescue_failure_codes(RescueFailure failure, const RescueCode **ret_codes);
/** First failure that carries this number; `domain` NULL: itunes first, then any. */
bool rescue_failure_from_code(const char *domain, int64_t value, RescueFailure *ret_failure);
const char *rescue_category_name(RescueCategory category);
const char *rescue_category_text(RescueCategory category);
const char *rescue_retry_name(RescueRetry retry);
/** Exit status of the contract for a job or command that ended with this failure: 10-14 by the first documented
 * category, 2 for usage, 75 for device-state that needs a person, else 3; 1 for internal. */
int rescue_failure_exit_status(RescueFailure failure);
