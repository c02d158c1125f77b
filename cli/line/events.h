/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What watchers are told, as server-sent events. The last ones are kept in one ring for all; a client is only a place
 * in it. Who falls behind, or comes back too late, gets one "resync" and has to look at the whole again: a slow client
 * costs nothing but its place. Pure.
 */

typedef struct RescueEvents RescueEvents;
typedef struct RescueEventClient RescueEventClient;

/** Called when there is something to read for a client that had read all. */
typedef void (*RescueEventWake)(RescueEventClient *client, void *data);

/** `capacity` events are kept; `epoch` (copied) is in each id, so that those of an earlier daemon are known as such. */
RescueEvents *rescue_events_new(const char *epoch, size_t capacity);
/** All clients have left before. Accepts NULL. */
void rescue_events_free(RescueEvents *events);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueEvents, rescue_events_free)
/** `data` is one line. `job`: only for clients that want events of jobs. */
void rescue_events_push(RescueEvents *events, const char *name, const char *data, bool job);
/** The id of the last event; caller frees. */
char *rescue_events_cursor(const RescueEvents *events);
/** A sign of life to all clients that have read everything. */
void rescue_events_beat(RescueEvents *events);
/** How many clients there are. */
size_t rescue_events_count(const RescueEvents *events);

/** From `last_id` on (NULL: only what comes), or with a resync when that is not kept. */
RescueEventClient *rescue_events_join(RescueEvents *events, const char *last_id, bool jobs,
				      RescueEventWake wake, void *data);
void rescue_events_leave(RescueEventClient *client);
/** At most `max` bytes of what is next; 0: nothing now. Never more than one event at a time. */
size_t rescue_events_read(RescueEventClient *client, char *buffer, size_t max);
