/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/port/ports.h"

/* Firmware files are read in a child with few rights: "PROGRAM --json firmware show --worker [--check] -- FILE". */
typedef struct RescueInspect RescueInspect;

extern const RescueInspectPort rescue_inspect_port; /* self is a RescueInspect */

/** The program that has the command `firmware show`: this very one, by its path. `thorough`: see rescue_ipsw_read(). */
RescueInspect *rescue_inspect_new(const char *program, bool thorough);
/** Accepts NULL. */
void rescue_inspect_free(RescueInspect *inspect);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueInspect, rescue_inspect_free)
