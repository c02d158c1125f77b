/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/lab/record/record.h"
#include "tests/lab/scenario/fault.h"

/*
 * The signing server (TSS) and the proxy that leads to it. It is reached in three ways: CONNECT and TLS under Apple's
 * name, as idevicerestore does; plain requests in absolute form; plain requests to lab_signing_url(). Any other name
 * gets 403 and a line in the record.
 */
typedef struct LabSigning LabSigning;

typedef struct {
	LabRecord *record; /* borrowed */
	LabFaults *faults; /* borrowed */
	/** Name of the phone with this ECID, NULL when the lab has none; borrowed. May itself be NULL. */
	const char *(*phone_of)(void *data, uint64_t ecid);
	void *data;
	bool off;     /* every connection is reset */
	bool foreign; /* what answers is not what lab_signing_certificate() vouches for */
} LabSigningSpec;

LabSigning *lab_signing_new(const LabSigningSpec *spec, GError **error);
/** Accepts NULL. */
void lab_signing_free(LabSigning *signing);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LabSigning, lab_signing_free)
/** Requests for this UniqueBuildID (hex) are refused with STATUS 94. */
void lab_signing_refuse_build(LabSigning *signing, const char *build_id);
/** http://127.0.0.1:PORT/TSS/controller?action=2; borrowed. */
const char *lab_signing_url(const LabSigning *signing);
/** http://127.0.0.1:PORT, for http_proxy and https_proxy; borrowed. */
const char *lab_signing_proxy(const LabSigning *signing);
/** The certificate by which TLS clients know the server, PEM; borrowed. */
const char *lab_signing_certificate(const LabSigning *signing);
