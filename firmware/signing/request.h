/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/port/ports.h"

/* How long a nonce of ours is; they prove nothing to anybody, the server only wants to see some. */
#define RESCUE_TSS_SEP_NONCE_BYTES 20u

/** A signing request, ready to be sent, and what it is about. All owned; strings may be NULL except `xml`. */
typedef struct {
	char *xml; /* the request, a property list */
	size_t size;
	char *version, *build; /* of the firmware */
	char *variant, *board; /* of the identity: "Customer Erase Install (IPSW)", "d221ap" */
	char *nonce;           /* ApNonce, hex */
	bool image4;           /* asks for one ticket, not for a blob of each component */
} RescueTssRequest;

void rescue_tss_request_clear(RescueTssRequest *request);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueTssRequest, rescue_tss_request_clear)

/**
 * Builds the request for the ticket of the main processor out of the bytes of a BuildManifest: its identity for this
 * chip, board and variant (never a research one), each component after its RestoreRequestRules. The nonces are
 * random, so whatever is signed for them starts nothing. FIRMWARE_DAMAGED or FIRMWARE_NO_IDENTITY. Sources: manifests
 * of iOS 8 to 26, and what engines of both generations send.
 */
bool rescue_tss_request_make(const char *manifest, size_t size,
			     const RescueSigningQuestion *question, RescueTssRequest *ret_request,
			     GError **error);
