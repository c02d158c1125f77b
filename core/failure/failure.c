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

static const RescueCode codes[] = {
#define RESCUE_CODE(id, code_domain, number) \
	{ .failure = RESCUE_FAILURE_##id, .domain = code_domain, .value = number },
#include "core/failure/code.def"
#undef RESCUE_CODE
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

size_t
rescue_failure_codes(RescueFailure failure, const RescueCode **ret_codes)
{
	size_t first = 0;
	while (first < G_N_ELEMENTS(codes) && codes[first].failure != failure)
		first++;
	size_t end = first;
	while (end < G_N_ELEMENTS(codes) && codes[end].failure == failure)
		end++;
	*ret_codes = first < end ? &codes[first] : NULL;
	return end - first;
}

static const RescueCode *
find_code(const char *domain, int64_t value)
{
	for (size_t i = 0; i < G_N_ELEMENTS(codes); i++) {
		if (codes[i].value == value &&
		    (domain == NULL || g_strcmp0(codes[i].domain, domain) == 0))
			return &codes[i];
	}
	return NULL;
}

bool
rescue_failure_from_code(const char *domain, int64_t value, RescueFailure *ret_failure)
{
	const RescueCode *code = find_code(domain == NULL ? "itunes" : domain, value);
	if (code == NULL && domain == NULL)
		code = find_code(NULL, value);
	if (code == NULL)
		return false;
	*ret_failure = code->failure;
	return true;
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
