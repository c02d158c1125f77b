/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "tests/lab/phone/internal.h"
#include "tests/lab/phone/plistio.h"

/*
 * Which hosts a phone trusts, and whether it would trust another one now.
 */

LabPairing *lab_pairing_new(void);
void lab_pairing_free(LabPairing *pairing);
/** What lockdownd says to a host that wants to pair: NULL when it may, else the error. Static. */
const char *lab_pairing_objection(LabPhone *phone);
/** Remembers the host of a pair record; false when the record is of no use. */
bool lab_pairing_trust(LabPhone *phone, plist_t record);
/** Borrowed; NULL when the host is not known. */
const LabTrusted *lab_pairing_find(LabPhone *phone, const char *host_id);
void lab_pairing_forget(LabPhone *phone, const char *host_id);
/** All of them, as an erase does. */
void lab_pairing_forget_all(LabPhone *phone);
/** DevicePublicKey and the key behind it, PEM, borrowed; drawn when they are first asked for. */
const char *lab_pairing_public_key(LabPhone *phone);
const char *lab_pairing_private_key(LabPhone *phone);
