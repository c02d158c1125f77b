/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

#include "core/port/ports.h"
#include "core/process/inbox.h"

/*
 * The port: system images are unpacked in a child, "PROGRAM --json firmware prepare --worker …", that speaks the JSON
 * lines of downloads (firmware/fetch/fetch.h).
 */
typedef struct RescuePrepare RescuePrepare;

extern const RescuePreparePort rescue_prepare_port; /* self is a RescuePrepare */

/** Strings are copied; `cache_limit` may be NULL. The inbox is borrowed. */
typedef struct {
	const char *program;   /* the program with the command `firmware prepare`: this very one */
	const char *cache_dir; /* absolute; its folder "firmware" is the depot */
	const char *cache_limit; /* as the user wrote it: "200GB" */
	RescueInbox *inbox;
} RescuePrepareSpec;

RescuePrepare *rescue_prepare_new(const RescuePrepareSpec *spec);
/** A child that still runs is ended, what was prepared may be evicted from now on. Accepts NULL. */
void rescue_prepare_free(RescuePrepare *prepare);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescuePrepare, rescue_prepare_free)
