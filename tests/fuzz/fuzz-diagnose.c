/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/failure/evidence.h"
#include "core/failure/reader.h"
#include "tests/fuzz/fuzz.h"

/* any bytes as somebody's log, in blocks of any size: the first byte chooses it */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(RescueEvidence) evidence = rescue_evidence_new();
	g_autoptr(RescueReader) reader = NULL;
	g_autoptr(RescueVerdict) verdict = NULL;
	g_autoptr(RescueJson) json = NULL;
	size_t block = size > 0 ? data[0] + (size_t)1 : 1;

	evidence->end = RESCUE_END_UNSEEN;
	evidence->transcript = rescue_transcript_new(RESCUE_DIALECT_UNKNOWN);
	reader = rescue_reader_new(evidence->transcript);
	for (size_t done = 1; done < size; done += block)
		rescue_reader_feed(reader, data + done, MIN(block, size - done));
	rescue_reader_finish(reader);
	verdict = rescue_classify(evidence);
	json = rescue_verdict_to_json(verdict);
	g_assert_nonnull(json);
	g_assert_cmpint(verdict->phase, <, RESCUE_PHASE_LAST);
	g_assert_cmpint(verdict->failure, <, RESCUE_FAILURE_LAST);
	return 0;
}
