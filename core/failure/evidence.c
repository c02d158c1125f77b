/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/failure/evidence.h"

RescueEvidence *
rescue_evidence_new(void)
{
	RescueEvidence *evidence = g_new0(RescueEvidence, 1);
	evidence->modes = g_array_new(FALSE, FALSE, sizeof(RescueModeChange));
	evidence->exit_status = -1;
	return evidence;
}

void
rescue_evidence_free(RescueEvidence *evidence)
{
	if (evidence == NULL)
		return;
	rescue_transcript_free(evidence->transcript);
	g_clear_error(&evidence->error);
	g_clear_pointer(&evidence->modes, g_array_unref);
	g_clear_pointer(&evidence->host, g_ptr_array_unref);
	g_free(evidence->build_seen);
	g_free(evidence);
}

void
rescue_evidence_add_mode(RescueEvidence *evidence, RescueMode mode)
{
	RescueModeChange change = { .mode = mode, .phase = evidence->phase };
	g_array_append_val(evidence->modes, change);
	evidence->mode = mode;
}
