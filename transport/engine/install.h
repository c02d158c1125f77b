/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "transport/engine/installed.h"

/*
 * Brings the idevicerestore of a Debian suite below ENGINES, beside whatever the host has, without root. It appears
 * there whole or not at all: it is made in a folder of its own and renamed.
 */

typedef struct {
	const char *engines_dir; /* STATE/engines; made when missing */
	const char *cache_dir;   /* the archive's indexes are kept below it */
	const char *suite;       /* "sid" */
	const char *from;   /* address of the archive; NULL: the Debian one of the host's own apt */
	bool expired_index; /* take an index whose dates do not fit the clock */
	void (*tell)(const char *sentence, void *data); /* what is done now; may be NULL */
	void *data;                                     /* for tell */
} RescueInstallSpec;

/**
 * Runs the loop until it is done; SIGINT, SIGTERM and SIGHUP end it in order (CANCELLED). NULL with a sentence;
 * BUSY when another one works in the same folder. *ret_new is false when this very version was here already. Caller
 * owns.
 */
RescueInstalled *rescue_install(const RescueInstallSpec *spec, bool *ret_new, GError **error);
