/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <plist/plist.h>

#include "tests/lab/phone/phone.h"

/*
 * Property lists as iPhone services carry them: four bytes of length, big endian, then the list;
 * and short ways to read and build dictionaries. lockdownd and restored speak it, ASR and FDR frame
 * their own way.
 */

G_DEFINE_AUTO_CLEANUP_FREE_FUNC(plist_t, plist_free, NULL)

/** Upper bound of one message; the largest real one is a baseband archive. */
#define LAB_PLIST_MAX ((size_t)256 << 20)

typedef enum {
	LAB_PLIST_MORE,  /* the message is not complete */
	LAB_PLIST_READY, /* *ret_message is the caller's to free */
	LAB_PLIST_JUNK,  /* neither XML nor binary, or too long: what follows makes no sense */
} LabPlistState;

/** Takes one message off the front of `buffer`. */
LabPlistState lab_plist_take(GByteArray *buffer, plist_t *ret_message);
/** XML or binary; NULL when it is neither. Caller frees. */
plist_t lab_plist_parse(const void *data, size_t size);
/** Sends `message` as XML behind its length; takes it over. */
void lab_plist_send(LabChannel *channel, plist_t message);

/** Borrowed; NULL when `dict` is not a dictionary or has no such string. */
const char *lab_plist_string(plist_t dict, const char *key);
/** Number of `key`, or `fallback` when it is not there. */
uint64_t lab_plist_uint(plist_t dict, const char *key, uint64_t fallback);
/** Borrowed bytes of a data item and their number; NULL when there is none. */
const uint8_t *lab_plist_data(plist_t dict, const char *key, size_t *ret_size);
/** Item of a dictionary, borrowed; NULL when `dict` is none or has no such key. */
plist_t lab_plist_item(plist_t dict, const char *key);
/**
 * A dictionary of pairs, by type letter in front of the key: "s:Result", "Success" · "u:Progress",
 * (uint64_t)50 · "b:Done", (int)true · "p:Arguments", plist_t (taken over); closed by NULL.
 */
plist_t lab_plist_dict(const char *key, ...) G_GNUC_NULL_TERMINATED;
