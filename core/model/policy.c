/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/model/policy.h"

#define STANDARD_ATTEMPTS     5
#define STANDARD_DEADLINE_MS  (INT64_C(2) * 3600 * 1000)
#define STANDARD_PAUSE_MS     (2 * 1000)
#define STANDARD_PAUSE_MAX_MS (60 * 1000)
#define STANDARD_BOOT_MS      (15 * 60 * 1000)
#define STANDARD_CHARGE_MS    (15 * 60 * 1000)
#define STANDARD_PERSON_MS    (15 * 60 * 1000)
/* an image of ten gigabytes takes five minutes, a slow and long restore half an hour */
#define STANDARD_BUS_MS (30 * 60 * 1000)

static const struct {
	const char *word;
	RescueConsent consent;
} consents[] = {
	{ "latest", RESCUE_CONSENT_LATEST },
	{ "ignore-baseband", RESCUE_CONSENT_BASEBAND },
	{ "erase", RESCUE_CONSENT_ERASE },
};

bool
rescue_consent_parse(const char *word, unsigned *ret_consent)
{
	for (size_t i = 0; i < G_N_ELEMENTS(consents); i++) {
		if (g_strcmp0(consents[i].word, word) == 0) {
			*ret_consent = consents[i].consent;
			return true;
		}
	}
	return false;
}

const char *
rescue_consent_words(void)
{
	return "latest, ignore-baseband, erase";
}

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
	policy->person_ms = STANDARD_PERSON_MS;
	policy->charge_ms = STANDARD_CHARGE_MS;
	policy->bus_ms = STANDARD_BUS_MS;
	return policy;
}

RescuePolicy *
rescue_policy_copy(const RescuePolicy *policy)
{
	RescuePolicy *copy = g_new(RescuePolicy, 1);
	*copy = *policy;
	copy->name = g_strdup(policy->name);
	copy->never = g_strdupv(policy->never);
	return copy;
}

void
rescue_policy_free(RescuePolicy *policy)
{
	if (policy == NULL)
		return;
	g_free(policy->name);
	g_strfreev(policy->never);
	g_free(policy);
}
