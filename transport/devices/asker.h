/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "transport/devices/learned.h"
#include "transport/devices/merge.h"

/*
 * Asks in the background what watching does not tell: who a device of usbmuxd is and in which mode (never one that is
 * busy: the merger decides), and which model is behind a chip and board number. A few agents at a time.
 */
typedef struct RescueAsker RescueAsker;

/** `agent` "": nobody is asked. Merger and learned UDIDs are borrowed. */
RescueAsker *rescue_asker_new(const char *agent, RescueMerge *merge, RescueLearned *learned);
/** Ends what runs. Accepts NULL. */
void rescue_asker_free(RescueAsker *asker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueAsker, rescue_asker_free)
/** Something changed: looks soon, from the loop, at what there is to ask. */
void rescue_asker_wake(RescueAsker *asker);
/** The model of this device is wanted, if it is not known; the device is borrowed. */
void rescue_asker_want_model(RescueAsker *asker, const RescueDevice *device);
/** An engine starts: ends the question that runs for this device. */
void rescue_asker_drop(RescueAsker *asker, RescueEcid ecid);
/** While somebody else talks to a device no new questions are started; calls nest. */
void rescue_asker_pause(RescueAsker *asker, bool on);
/** No answer is outstanding that could tell more about this device (0: any). */
bool rescue_asker_is_settled(const RescueAsker *asker, RescueEcid ecid);
