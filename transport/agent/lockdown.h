/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include <libimobiledevice/lockdown.h>
#include <plist/plist.h>

#include "core/model/owner.h"

/* Inner part of the agent: values of lockdownd and restored, and what the former tells of a phone's owner. */

typedef void *RescuePlist; /* a plist_t that is freed at the end of its scope */
typedef lockdownd_client_t RescueLockdown;

/** Takes a text that the library allocated; NULL stays NULL. Caller frees. */
char *rescue_plist_take_text(char *foreign);
/** False, and the output untouched, when the node is NULL or of another type. */
bool rescue_plist_read_uint(plist_t node, uint64_t *ret_value);
/** NULL when the node is NULL or of another type. Caller frees. */
char *rescue_plist_read_text(plist_t node);
/** Accepts a NULL behind the pointer. */
void rescue_plist_clear(RescuePlist *plist);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescuePlist, rescue_plist_clear)
/** Accepts a NULL behind the pointer. */
void rescue_lockdown_clear(RescueLockdown *client);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueLockdown, rescue_lockdown_clear)

/** A value of lockdownd's that is in no domain; NULL when it does not tell. Caller frees. */
char *rescue_lockdown_get_text(lockdownd_client_t client, const char *key);
/** 0 when it does not tell. */
uint64_t rescue_lockdown_get_uint(lockdownd_client_t client, const char *key);
/** How full the battery is, in percent; 0 when it does not tell, as without a session it may not. */
unsigned rescue_lockdown_get_battery(lockdownd_client_t client);

/**
 * Fills `owner`, which is empty before, over a fresh connection to the phone with this UDID: first what strangers may
 * ask; then the rest in a session, where usbmuxd keeps a pairing with this phone. Pairs with nobody.
 */
void rescue_lockdown_ask_owner(lockdownd_client_t client, const char *udid, RescueOwner *owner);
