/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "firmware/fetch/depot.h"
#include "firmware/fetch/transfer.h"

/*
 * A release becomes a file of the depot: it is there already, or somebody else fetches it and we follow, or we fetch
 * it.
 * Blocks: this is what the child does.
 */

/** Everything is borrowed. */
typedef struct {
	const RescueDepot *depot;
	const RescueRelease *release;
	const char *mirror;              /* a web server over another depot, asked first; NULL */
	double rate_limit;               /* bytes per second of the whole station; 0: none */
	uint64_t size_limit;             /* bytes of the depot; 0: none */
	int64_t patience_ms;             /* 0: the built-in one */
	bool distrust;                   /* digest what is here already, whatever its record says */
	RescueTransferListener listener; /* may be NULL */
	void *data;
} RescueAcquireSpec;

/** Caller owns; errors as of rescue_transfer_run(). */
RescueStored *rescue_acquire(const RescueAcquireSpec *spec, GError **error);
