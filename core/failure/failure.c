/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/failure/failure.h"

#include <glib.h>

#include "core/base/error.h"

/* the layers below use these numbers without knowing the catalogue */
_Static_assert((int)RESCUE_FAILURE_INTERNAL == RESCUE_ERROR_INTERNAL,
	       "numbers of core/base/error.h");
_Static_assert((int)RESCUE_FAILURE_BAD_INPUT == RESCUE_ERROR_BAD_INPUT,
	       "numbers of core/base/error.h");
_Static_assert((int)RESCUE_FAILURE_HOST_IO == RESCUE_ERROR_HOST_IO, "numbers of core/base/error.h");
_Static_assert((int)RESCUE_FAILURE_CANCELLED == RESCUE_ERROR_CANCELLED,
	       "numbers of core/base/error.h");
_Static_assert((int)RESCUE_FAILURE_BUSY == RESCUE_ERROR_BUSY, "numbers of core/base/error.h");

#define EXIT_RESTORED    0
#define EXIT_INTERNAL    1
#define EXIT_OPERATOR    75
#define EXIT_INTERRUPTED 130

static const RescueFailureInfo infos[] = {
	[RESCUE_FAILURE_NONE] = {
		.name = "none",
		.phase = RESCUE_PHASE_UNKNOWN,
		.category = RESCUE_CATEGORY_UNKNOWN,
		.documented = { RESCUE_CATEGORY_LAST, RESCUE_CATEGORY_LAST },
		.retry = RESCUE_RETRY_NO,
		.means = "nothing failed",
		.advice = "nothing needs to be done",
	},
#define RESCUE_FAILURE(id, failure_name, phase_id, category_id, doc1, doc2, retry_id, means_text, \
		       advice_text)                                                               \
	[RESCUE_FAILURE_##id] = {                                                                 \
		.name = failure_name,                                                             \
		.phase = RESCUE_PHASE_##phase_id,                                                 \
		.category = RESCUE_CATEGORY_##category_id,                                        \
		.documented = { RESCUE_CATEGORY_##doc1, RESCUE_CATEGORY_##doc2 },                 \
		.retry = RESCUE_RETRY_##retry_id,                                                 \
		.means = means_text,                                                              \
		.advice = advice_text,                                                            \
	},
#include "core/failure/failure.def"
#undef RESCUE_FAILURE
};

static const struct {
	const char *name, *text;
	int exit_status;
} categories[] = {
#define RESCUE_CATEGORY(id, category_name, status, category_text) \
	[RESCUE_CATEGORY_##                                       \
	    id] = { .name = category_name, .text = category_text, .exit_status = status },
#include "core/failure/category.def"
#undef RESCUE_CATEGORY
};

const RescueFailureInfo *
rescue_failure_info(RescueFailure failure)
{
	return &infos[failure < RESCUE_FAILURE_LAST ? failure : RESCUE_FAILURE_NONE];
}

bool
rescue_failure_parse(const char *name, RescueFailure *ret_failure)
{
	for (size_t i = RESCUE_FAILURE_NONE + 1; i < RESCUE_FAILURE_LAST; i++) {
		if (g_strcmp0(infos[i].name, name) == 0) {
			*ret_failure = (RescueFailure)i;
			return true;
		}
	}
	return false;
}

const char *
rescue_category_name(RescueCategory category)
{
	return categories[category < RESCUE_CATEGORY_LAST ? category : RESCUE_CATEGORY_UNKNOWN]
	    .name;
}

const char *
rescue_category_text(RescueCategory category)
{
	return categories[category < RESCUE_CATEGORY_LAST ? category : RESCUE_CATEGORY_UNKNOWN]
	    .text;
}

const char *
rescue_confidence_name(RescueConfidence confidence)
{
	static const char *const names[] = {
		[RESCUE_CONFIDENCE_LOW] = "low",
		[RESCUE_CONFIDENCE_MEDIUM] = "medium",
		[RESCUE_CONFIDENCE_HIGH] = "high",
	};
	return names[confidence <= RESCUE_CONFIDENCE_HIGH ? confidence : RESCUE_CONFIDENCE_LOW];
}

const char *
rescue_retry_name(RescueRetry retry)
{
	static const char *const names[] = {
		[RESCUE_RETRY_YES] = "yes",
		[RESCUE_RETRY_AFTER_CHANGE] = "after-change",
		[RESCUE_RETRY_NO] = "no",
	};
	return names[retry <= RESCUE_RETRY_NO ? retry : RESCUE_RETRY_NO];
}

int
rescue_failure_exit_status(RescueFailure failure)
{
	const RescueFailureInfo *info = rescue_failure_info(failure);
	if (failure == RESCUE_FAILURE_NONE)
		return EXIT_RESTORED;
	if (failure == RESCUE_FAILURE_INTERNAL)
		return EXIT_INTERNAL;
	if (failure == RESCUE_FAILURE_CANCELLED)
		return EXIT_INTERRUPTED;
	if (info->documented[0] != RESCUE_CATEGORY_LAST)
		return categories[info->documented[0]].exit_status;
	if (info->category == RESCUE_CATEGORY_DEVICE_STATE && info->retry == RESCUE_RETRY_NO)
		return EXIT_OPERATOR;
	return categories[info->category].exit_status;
}
