/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/base/json.h"
#include "core/model/mode.h"

/*
 * What a phone says about its owner, and what of that is to be believed. Whether a phone is locked to somebody's
 * account is known to Apple alone: the phone only repeats what it was told last, and a freshly erased one was told
 * nothing. Only an activation attempt would tell for certain, and this product makes none.
 */

/** What is known of something that a phone has on or off. */
typedef enum {
#define RESCUE_ANSWER(id, word) RESCUE_ANSWER_##id,
#include "core/model/answer.def"
#undef RESCUE_ANSWER
	RESCUE_ANSWER_LAST
} RescueAnswer;

/** "unknown", "off", "on". */
const char *rescue_answer_name(RescueAnswer answer);
/** UNKNOWN for what is none of these words, and for NULL. */
RescueAnswer rescue_answer_of_word(const char *word);

/** As lockdownd told it, word for word. A value; all UNKNOWN and NULL where nobody asked, or it did not tell. */
typedef struct {
	bool asked;       /* lockdownd answered at all; false: nothing below counts */
	char *activation; /* ActivationState: "Activated", "Unactivated", …; owned */
	RescueAnswer find_my;
	RescueAnswer activation_lock;
	RescueAnswer locked;     /* by its passcode, now */
	RescueAnswer supervised; /* by an organisation */
} RescueOwner;

void rescue_owner_copy(RescueOwner *to, const RescueOwner *from);
void rescue_owner_clear(RescueOwner *owner);
/** What iOS said of the owner counts no more once the phone was seen in this mode: it may have been erased there. */
bool rescue_owner_lapses(RescueMode mode);
/** Sets the members of `object` ("activation_state", "find_my", …) that are known; none when it was not asked. */
void rescue_owner_write(const RescueOwner *owner, RescueJson *object);
/** The other way round; `owner` is empty before. */
void rescue_owner_read(RescueOwner *owner, const RescueJson *object);

/** What may be told to people, and be acted on. */
typedef struct {
	const char *activation; /* borrowed from the owner; NULL: unknown */
	RescueAnswer find_my, activation_lock, supervised;
	/* why find_my or activation_lock is unknown: one sentence, static; NULL: both are known */
	const char *why;
} RescueOwnerVerdict;

/**
 * Pure. `mode` is that in which the phone is now; `erased` says that its data went since an owner last set it up. ON is
 * believed of any phone that has not just been erased: somebody may have to sign out, and asking in vain costs little.
 * OFF is believed only of an activated one: in Setup Assistant, before activation, phones say "off" whatever their
 * owner has set (libideviceactivation issues 2 and 33).
 */
void rescue_owner_judge(const RescueOwner *owner, RescueMode mode, bool erased,
			RescueOwnerVerdict *ret_verdict);
