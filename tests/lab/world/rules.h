/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

#include "tests/lab/world/judge.h"

/**
 * What holds for each command that restores with idevicerescue, whether its scenario says so or not: nothing is erased
 * unless the command says --erase, no phone is touched that it does not name, no two engines take turns at one phone,
 * nothing is left behind, and each job of it has a last word that is true: `restored` only when the lab has seen that
 * build boot, and otherwise an exit status and what to do. And each fault has fired. What the scenario itself expects
 * of a phone's erasure is consent, since a policy may have given it. Adds one sentence for each breach.
 */
void lab_rules_check(const LabJudge *judge, const LabOutcome *outcome, GPtrArray *breaches);
