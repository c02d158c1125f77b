/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "tests/lab/phone/internal.h"
#include "tests/lab/phone/plistio.h"

/**
 * The values of a domain, NULL: the nameless one; `key` NULL: all are wanted. What belongs to the owner is told in
 * sessions only. Caller frees.
 */
plist_t lab_lockdown_values(const LabPhone *phone, const char *domain, const char *key,
			    bool in_session);
