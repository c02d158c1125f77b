/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/failure/host.h"

static const struct {
	RescueFailure told;
	unsigned look;
	RescueFailure cause;
} causes[] = {
#define RESCUE_HOST_CAUSE(told_id, look_id, cause_id) \
	{ RESCUE_FAILURE_##told_id, RESCUE_LOOK_##look_id, RESCUE_FAILURE_##cause_id },
#include "core/failure/host.def"
#undef RESCUE_HOST_CAUSE
};

RescueHostFact *
rescue_host_fact_new(RescueFailure failure, bool breaks, const char *text)
{
	RescueHostFact *fact = g_new0(RescueHostFact, 1);

	fact->failure = failure;
	fact->breaks = breaks;
	fact->text = g_strdup(text);
	return fact;
}

void
rescue_host_fact_free(RescueHostFact *fact)
{
	if (fact == NULL)
		return;
	g_free(fact->text);
	g_free(fact);
}

unsigned
rescue_host_looks(RescueFailure told)
{
	unsigned looks = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(causes); i++) {
		if (causes[i].told == told)
			looks |= causes[i].look;
	}
	return looks;
}

static const RescueHostFact *
find_fact(const GPtrArray *facts, RescueFailure failure)
{
	for (guint i = 0; i < facts->len; i++) {
		const RescueHostFact *fact = facts->pdata[i];
		if (fact->breaks && fact->failure == failure)
			return fact;
	}
	return NULL;
}

const RescueHostFact *
rescue_host_explain(const GPtrArray *facts, RescueFailure told)
{
	for (size_t i = 0; facts != NULL && i < G_N_ELEMENTS(causes); i++) {
		const RescueHostFact *fact = causes[i].told == told
						 ? find_fact(facts, causes[i].cause)
						 : NULL;
		if (fact != NULL)
			return fact;
	}
	/* nothing better, but the same from a second witness */
	return facts != NULL ? find_fact(facts, told) : NULL;
}
