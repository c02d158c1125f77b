/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

/**
 * For the stand-in before the engine: if a fault of the scenario is due at this start, does what it says and records
 * it.
 * Comes back when the engine is to run as usual. Faults come in $LAB_ENGINE_FAULTS, one a line: action, number,
 * times.
 */
void lab_misbehave(void);
