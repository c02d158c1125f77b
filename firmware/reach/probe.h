/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdbool.h>

#include "core/doctor/reach.h"

/* Inner part of firmware/reach: one request. */

typedef struct {
	const char *url;
	const char *ca_file; /* PEM; NULL: SSL_CERT_FILE, else this computer's list */
	bool direct;         /* past every proxy */
	bool keep_body;
	unsigned deadline_ms;
} RescueProbe;

/** Asks for the head, or for the beginning of the body. Blocks. `ret_port` is to be cleared with its facts. */
void rescue_probe(const RescueProbe *probe, RescueReachPort *ret_port);
/** By the environment's variables, requests for this address go through a proxy. */
bool rescue_probe_is_proxied(const char *url);
