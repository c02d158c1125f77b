/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/model/mode.h"

#include <glib.h>

static const struct {
	const char *name, *text;
} modes[] = {
#define RESCUE_MODE(id, name, text) [RESCUE_MODE_##id] = { name, text },
#include "core/model/mode.def"
#undef RESCUE_MODE
};

const char *
rescue_mode_name(RescueMode mode)
{
	return modes[mode < RESCUE_MODE_LAST ? mode : RESCUE_MODE_UNKNOWN].name;
}

const char *
rescue_mode_text(RescueMode mode)
{
	return modes[mode < RESCUE_MODE_LAST ? mode : RESCUE_MODE_UNKNOWN].text;
}

bool
rescue_mode_parse(const char *name, RescueMode *ret_mode)
{
	for (size_t i = 0; i < RESCUE_MODE_LAST; i++) {
		if (g_strcmp0(modes[i].name, name) == 0) {
			*ret_mode = (RescueMode)i;
			return true;
		}
	}
	return false;
}
