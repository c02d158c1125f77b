/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/model/phase.h"

#include <glib.h>

enum { GUARD_FREE, GUARD_KEEP };

static const struct {
	const char *name, *text;
	int patience_s;
	int guard;
} phases[] = {
#define RESCUE_PHASE(id, name, text, patience_s, guard) \
	[RESCUE_PHASE_##id] = { name, text, patience_s, GUARD_##guard },
#include "core/model/phase.def"
#undef RESCUE_PHASE
};

static RescuePhase
checked(RescuePhase phase)
{
	return phase < RESCUE_PHASE_LAST ? phase : RESCUE_PHASE_UNKNOWN;
}

const char *
rescue_phase_name(RescuePhase phase)
{
	return phases[checked(phase)].name;
}

const char *
rescue_phase_text(RescuePhase phase)
{
	return phases[checked(phase)].text;
}

bool
rescue_phase_parse(const char *name, RescuePhase *ret_phase)
{
	for (size_t i = 0; i < RESCUE_PHASE_LAST; i++) {
		if (g_strcmp0(phases[i].name, name) == 0) {
			*ret_phase = (RescuePhase)i;
			return true;
		}
	}
	return false;
}

int
rescue_phase_patience_ms(RescuePhase phase)
{
	return phases[checked(phase)].patience_s * 1000;
}

bool
rescue_phase_is_guarded(RescuePhase phase)
{
	return phases[checked(phase)].guard == GUARD_KEEP;
}
