/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* The ECID (unique chip id) is the only identity of a device. 0 is no ECID. */
typedef uint64_t RescueEcid;

#define RESCUE_ECID_TEXT 19 /* "0x" and 16 digits and the end */

/** "0x…" hexadecimal or bare digits decimal; what contains a hex letter without 0x is refused with a hint. */
bool rescue_ecid_parse(const char *text, RescueEcid *ret_ecid, GError **error);
/** 0x and 16 upper-case hex digits, as the contract writes it; returns `buffer`. */
const char *rescue_ecid_format(RescueEcid ecid, char buffer[RESCUE_ECID_TEXT]);
/** The ECID inside a newer UDID ("00008030-001A2B3C4D5E6F70"), 0 for the 40-digit kind. */
RescueEcid rescue_ecid_from_udid(const char *udid);
