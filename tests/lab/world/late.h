/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

#include "tests/lab/record/record.h"

/**
 * From now on the record (borrowed) tells "late" with ms when the main loop did not come round for more than half a
 * second. An engine gives up when its phone takes nothing for one (libusbmuxd 2.0.2 waits 1000 ms until it can send);
 * what it does then is the fault of this computer and no finding. Caller destroys and unrefs.
 */
GSource *lab_late_watch(LabRecord *record);
