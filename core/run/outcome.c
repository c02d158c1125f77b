/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/run.h"

/* The words of the contract, and the status with which a job that ended so exits; -1: that of its failure. */
static const struct {
	const char *name;
	int exit_status;
} outcomes[] = {
	[RESCUE_OUTCOME_RESTORED] = { "restored", 0 },
	[RESCUE_OUTCOME_RESTORED_UNCONFIRMED] = { "restored-unconfirmed", 75 },
	[RESCUE_OUTCOME_GAVE_UP] = { "gave-up", -1 },
	[RESCUE_OUTCOME_NEEDS_OPERATOR] = { "needs-operator", 75 },
	[RESCUE_OUTCOME_CANCELLED] = { "cancelled", 130 },
	[RESCUE_OUTCOME_DRY_RUN] = { "dry-run", 0 },
};

const char *
rescue_outcome_name(RescueOutcome outcome)
{
	return outcomes[outcome].name;
}

int
rescue_outcome_exit_status(RescueOutcome outcome, RescueFailure failure)
{
	int status = outcomes[outcome].exit_status;

	return status >= 0 ? status : rescue_failure_exit_status(failure);
}

void
rescue_run_result_clear(RescueRunResult *result)
{
	g_clear_pointer(&result->advice, g_free);
	g_clear_pointer(&result->trouble, g_free);
}
