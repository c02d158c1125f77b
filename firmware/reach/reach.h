/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "core/doctor/reach.h"

/** How one host looks from here. */
typedef struct {
	const RescueEndpoint *endpoint; /* its url may be another than in the table */
	bool own;                       /* then somebody has named it */
	const char *ca_file;            /* for a signing server of one's own; NULL */
} RescueReachSpec;

/** Blocks for up to twelve seconds; the facts are to be cleared. */
void rescue_reach_look(const RescueReachSpec *spec, RescueReachFacts *ret_facts);
/** Lists the rules of this computer's firewall by its own tools, and judges them. Runs the loop for some seconds. */
void rescue_firewall_look(RescueFindings *report);
