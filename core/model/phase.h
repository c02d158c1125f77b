/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdbool.h>

/* The steps of a restore, in order; where it failed. Words as in the contract; table in phase.def. */
typedef enum {
#define RESCUE_PHASE(id, name, text, patience_s, guard) RESCUE_PHASE_##id,
#include "core/model/phase.def"
#undef RESCUE_PHASE
	RESCUE_PHASE_LAST
} RescuePhase;

const char *rescue_phase_name(RescuePhase phase);
/** "sending the system image": for people. */
const char *rescue_phase_text(RescuePhase phase);
bool rescue_phase_parse(const char *name, RescuePhase *ret_phase);
/** The built-in patience without progress, in milliseconds; a policy may say otherwise. */
int rescue_phase_patience_ms(RescuePhase phase);
/** True for the phases in which the device may be flashing and the engine is left alone. */
bool rescue_phase_is_guarded(RescuePhase phase);
