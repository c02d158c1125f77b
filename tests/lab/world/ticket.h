/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdint.h>

#include <plist/plist.h>

/** What a signing request says about itself; missing things are 0 or "". */
typedef struct {
	uint64_t ecid, chip, board;
	char *build_id; /* UniqueBuildID as hex */
	char *nonce;    /* ApNonce as hex */
} LabTicketRequest;

/** Reads the request's common tags. */
void lab_ticket_request_read(LabTicketRequest *request, plist_t plist);
void lab_ticket_request_clear(LabTicketRequest *request);
/**
 * An IM4M in the shape that Apple's have: manifest properties with chip, board, ECID and nonces, one entry with the
 * digest for each component of the request, a signature of the right size that nobody can verify, no certificates.
 * The property "ubid", which real ones lack, has the UniqueBuildID. Caller frees.
 */
GByteArray *lab_ticket_new(plist_t request);
/** Bytes of a data node of this key as lower-case hex, "" when there is none; caller frees. */
char *lab_plist_hex(plist_t dict, const char *key);
/** A number, whether written as integer or as string ("0x8015"); 0 when there is none. */
uint64_t lab_plist_number(plist_t dict, const char *key);
