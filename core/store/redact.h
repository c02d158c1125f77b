/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

#include "core/base/json.h"

/*
 * Takes out of journals and transcripts what points at a person or a device: ECIDs, UDIDs, serial
 * numbers, IMEIs, nonces, tickets, hardware addresses, logins in addresses, paths below home
 * folders, the name of this host. Each becomes a placeholder, [ecid-1], and the same value, in
 * whichever notation, becomes the same one: what belongs together still does. First everything is
 * learnt from, then everything is rewritten.
 */
typedef struct RescueRedactor RescueRedactor;

/** NULL or empty: there is none. Both copied; caller owns. */
RescueRedactor *rescue_redactor_new(const char *home, const char *host);
/** Accepts NULL. */
void rescue_redactor_free(RescueRedactor *redactor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueRedactor, rescue_redactor_free)
/** What an event says of itself to be an ECID, a serial number, … is one wherever else it stands. */
void rescue_redactor_learn_event(RescueRedactor *redactor, const RescueJson *event);
void rescue_redactor_learn_text(RescueRedactor *redactor, const char *text);
/** Caller frees. A text that cannot be searched through is left out as a whole. */
char *rescue_redactor_text(RescueRedactor *redactor, const char *text);
/** A copy with every string of it rewritten; caller owns. */
RescueJson *rescue_redactor_json(RescueRedactor *redactor, const RescueJson *value);
