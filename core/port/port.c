/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/port/ports.h"

void
rescue_engine_run_clear(RescueEngineRun *run)
{
	g_clear_pointer(&run->transcript, g_free);
	g_clear_pointer(&run->version, g_free);
	*run = (RescueEngineRun){ 0 };
}
