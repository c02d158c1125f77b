/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/failure/failure.h"

/* What was found on this computer, as evidence of a failed attempt; table in host.def. */

typedef struct {
	RescueFailure failure; /* that it causes */
	bool breaks;           /* surely; else now and then */
	char *text;            /* what was found: "/etc/hosts, line 2: 127.0.0.1 gs.apple.com" */
} RescueHostFact;

/** Where to look, as a mask of bits. */
typedef enum {
	RESCUE_LOOK_NETWORK = 1,
	RESCUE_LOOK_USB = 2,
} RescueLook;

/** The text is copied. */
RescueHostFact *rescue_host_fact_new(RescueFailure failure, bool breaks, const char *text);
/** Accepts NULL. */
void rescue_host_fact_free(RescueHostFact *fact);
/** Where something could be found that explains what everything else tells; 0: nowhere. Pure. */
unsigned rescue_host_looks(RescueFailure told);
/** The one of `facts` (RescueHostFact; NULL: none) that explains it, NULL when none does. Borrowed. Pure. */
const RescueHostFact *rescue_host_explain(const GPtrArray *facts, RescueFailure told);
