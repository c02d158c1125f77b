/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "core/failure/evidence.h"

/* Between classify.c, which decides, and verdict.c, which puts the decision into words and numbers. */

typedef struct {
	RescueFailure failure;
	RescueFailure told; /* what the telling line said by itself; the context may know better */
	RescuePhase phase;
	RescueConfidence confidence;
	const RescueHostFact *host; /* what on this computer explains it, borrowed; NULL: nothing */
	const RescueHit *hit;       /* the most telling line, borrowed; NULL: no line told it */
} RescueJudgement;

/** Never NULL; caller owns. */
RescueVerdict *rescue_verdict_new(const RescueEvidence *evidence, const RescueJudgement *judgement);
