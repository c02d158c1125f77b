/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/json.h"
#include "core/config/line.h"

/*
 * The child that tells one webhook or runs one hook: events of the outbox in order, from where the last such child was.
 * It outlives its daemon, so that a restart tears no label off; a lock keeps a second one of the same name away. It may
 * be killed at any moment. A webhook's event counts as told when the answer has come and the cursor is written:
 * in between it would be told again. A hook's event counts as done before the program is started: a label is rather
 * missing than printed twice.
 */

typedef struct {
	unsigned told, dropped; /* events that were wanted here */
	bool behind;            /* there is more, at once */
	int64_t again_ms;       /* pause before the next try; 0: none is waited for */
} RescueDelivered;

/** One child tells so many at most; then a new one begins: none of them grows old. */
#define RESCUE_DELIVER_AT_ONCE 50u

/** What such a child prints on stdout, one line, for the daemon. Caller owns. */
RescueJson *rescue_delivered_to_json(const RescueDelivered *delivered);

/** "webhook-orders" or "hook-printer"; caller frees. */
char *rescue_courier_name(const char *kind, const char *name);
#define RESCUE_COURIER_WEBHOOK "webhook"
#define RESCUE_COURIER_HOOK    "hook"

/** STATE/line/outbox; caller frees. */
char *rescue_outbox_dir(const char *state_dir);
/** What such a child is to do. All borrowed. */
typedef struct {
	const char *state_dir;
	const RescueLineConfig *config;
	const char *courier; /* its name */
	uint64_t up_to;      /* number of the last event that it tells; 0: there is no last one */
} RescueDelivery;

/**
 * Does it; sentences about single events go to stderr. BAD_INPUT when the configuration has no such courier or its
 * secret is no good, HOST_IO when the cursor cannot be written.
 */
bool rescue_deliver(const RescueDelivery *delivery, RescueDelivered *ret_delivered, GError **error);
