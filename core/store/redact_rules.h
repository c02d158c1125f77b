/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stddef.h>

/* Inner part of core/store: how identifiers look in what engines and journals say. */

typedef enum {
	RESCUE_SECRET_ECID,
	RESCUE_SECRET_UDID,
	RESCUE_SECRET_SERIAL,
	RESCUE_SECRET_IMEI,
	RESCUE_SECRET_NONCE,
	RESCUE_SECRET_DATA, /* tickets and other binary values */
	RESCUE_SECRET_ADDRESS,
	RESCUE_SECRET_LOGIN,
	RESCUE_SECRET_PATH,
	RESCUE_SECRET_HOST,
	RESCUE_SECRET_LAST
} RescueSecret;

/** The word in the placeholder. */
const char *rescue_secret_name(RescueSecret secret);

/** A Perl regular expression whose first group is the value. */
typedef struct {
	RescueSecret secret;
	const char *pattern;
} RescueRedactRule;

/** In the order in which they are applied: what is longer and surer first. */
extern const RescueRedactRule rescue_redact_rules[];
extern const size_t rescue_redact_rules_count;

/** A member of an event whose text is such a value. */
typedef struct {
	const char *key;
	RescueSecret secret;
} RescueRedactKey;

/** The members that are looked for in every event. */
extern const RescueRedactKey rescue_redact_keys[];
/** How many there are. */
extern const size_t rescue_redact_keys_count;
