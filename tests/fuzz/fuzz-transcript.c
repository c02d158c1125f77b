/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "core/failure/evidence.h"
#include "tests/fuzz/fuzz.h"

/* what an engine writes, judged; the first byte chooses its dialect */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(RescueEvidence) evidence = rescue_evidence_new();
	g_autofree char *cut = g_strndup((const char *)data, size);
	g_autofree char *text = g_utf8_make_valid(cut, -1);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(RescueVerdict) verdict = NULL;
	g_autoptr(RescueJson) json = NULL;
	unsigned dialect = size > 0 ? data[0] % (RESCUE_DIALECT_1_0_1 + 1u) : 0;

	evidence->transcript = rescue_transcript_new((RescueDialect)dialect);
	evidence->end = RESCUE_END_EXITED;
	for (unsigned i = 0; lines[i] != NULL; i++)
		rescue_transcript_feed(evidence->transcript, lines[i]);
	verdict = rescue_classify(evidence);
	json = rescue_verdict_to_json(verdict);
	g_assert_nonnull(json);
	return 0;
}
