/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/model/phase.h"

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
	bool may_erase, may_update; /* consents that the policy itself gives */
} RescuePolicy;

/** attempts 5, two hours, the phases' own patience, pauses of 2 s up to 60 s, 15 min for the first boot. */
RescuePolicy *rescue_policy_new_standard(void);
RescuePolicy *rescue_policy_copy(const RescuePolicy *policy);
void rescue_policy_free(RescuePolicy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescuePolicy, rescue_policy_free)
