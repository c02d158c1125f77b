/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/model/policy.h"

#define STANDARD_ATTEMPTS     5
#define STANDARD_DEADLINE_MS  (INT64_C(2) * 3600 * 1000)
#define STANDARD_PAUSE_MS     (2 * 1000)
#define STANDARD_PAUSE_MAX_MS (60 * 1000)
#define STANDARD_BOOT_MS      (15 * 60 * 1000)

RescuePolicy *
rescue_policy_new_standard(void)
{
	RescuePolicy *policy = g_new0(RescuePolicy, 1);
	policy->name = g_strdup("standard");
	policy->attempts = STANDARD_ATTEMPTS;
	policy->deadline_ms = STANDARD_DEADLINE_MS;
	for (int i = 0; i < RESCUE_PHASE_LAST; i++)
		policy->patience_ms[i] = rescue_phase_patience_ms((RescuePhase)i);
	policy->pause_ms = STANDARD_PAUSE_MS;
	policy->pause_max_ms = STANDARD_PAUSE_MAX_MS;
	policy->boot_ms = STANDARD_BOOT_MS;
	return policy;
}

RescuePolicy *
rescue_policy_copy(const RescuePolicy *policy)
{
	RescuePolicy *copy = g_new(RescuePolicy, 1);
	*copy = *policy;
	copy->name = g_strdup(policy->name);
	return copy;
}

void
rescue_policy_free(RescuePolicy *policy)
{
	if (policy == NULL)
		return;
	g_free(policy->name);
	g_free(policy);
}
