/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/model/phase.h"

/** What somebody may consent to, beyond the job's own words; bits. */
typedef enum {
	RESCUE_CONSENT_LATEST =
	    1 << 0, /* another build, when the wished one is not signed any more */
	RESCUE_CONSENT_BASEBAND = 1 << 1, /* a device whose modem was not updated */
	RESCUE_CONSENT_ERASE = 1 << 2,    /* an update that cannot succeed becomes an erase */
} RescueConsent;

/** "latest", "ignore-baseband", "erase" into its bit; false: there is no such word. */
bool rescue_consent_parse(const char *word, unsigned *ret_consent);
/** All words there are, for a message; static. */
const char *rescue_consent_words(void);

/** How far a job may go. Plain values; the built-in one is `standard`. */
typedef struct RescuePolicy {
	char *name;
	unsigned attempts; /* engine runs at most */
	/* for the whole job, waits included; looked at between engine runs: one that makes progress may pass it */
	int64_t deadline_ms;
	int patience_ms[RESCUE_PHASE_LAST]; /* without progress, per phase */
	int pause_ms; /* the first pause of a back-off; doubles up to pause_max_ms */
	int pause_max_ms;
	int boot_ms;                /* how long a first boot may take before it counts as failed */
	int person_ms;              /* how long somebody gets for what only a person can do */
	int bus_ms;                 /* how long a job waits for its turn on a USB bus */
	int charge_ms;              /* how long a battery that is too empty is left to charge */
	bool may_erase, may_update; /* consents that the policy itself gives */
	unsigned consents;          /* RescueConsent */
	char **never;               /* names of remedies that are not to be used; NULL: none */
} RescuePolicy;

/**
 * attempts 5, two hours, the phases' own patience, pauses of 2 s up to 60 s, 15 min for the first boot and for people.
 */
RescuePolicy *rescue_policy_new_standard(void);
RescuePolicy *rescue_policy_copy(const RescuePolicy *policy);
void rescue_policy_free(RescuePolicy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescuePolicy, rescue_policy_free)
