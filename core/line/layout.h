/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/line/usb.h"

/*
 * A bench as its station file tells it: ports with labels, cables and a position, hubs with their power, controllers
 * with their budget, and how much may happen at once. A port that the file does not name is no port of the line:
 * what is plugged in there is left alone.
 */

/** No port of the layout. */
#define RESCUE_PORT_NONE SIZE_MAX

typedef struct {
	char *label;          /* "A3" */
	char **at;            /* as written: both halves of a USB 3 socket may be named */
	char *cable;          /* label of the cable that hangs there; NULL */
	unsigned row, column; /* on the bench, from 1; 0: not said */
	GArray *places;       /* RescueUsbPlace */
} RescuePort;

typedef struct {
	char *label;       /* NULL: its place */
	unsigned power_ma; /* what it can feed; 0: not known, no limit */
	RescueUsbPlace place;
} RescueHub;

typedef struct {
	char *id;
	unsigned endpoints; /* budget; 96 unless the file says otherwise */
	/* each root port has 480 Mbit/s of its own, not the bus as a whole */
	bool root_ports_independent;
} RescueController;

/** How much may happen at once. */
typedef struct {
	unsigned jobs; /* processes */
	/* of system images at once in one transfer domain, before anything was measured */
	unsigned transfers;
	unsigned transfers_max; /* that measuring may find */
	/* engines are stopped right before the transfer, not only started late */
	bool hold_transfers;
	int hold_limit_ms;     /* for at most so long */
	int stagger_ms;        /* between two starts of engines */
	bool old_engine_alone; /* no other engine feeds boot loaders while one of 1.0.0 does */
	unsigned downloads;    /* different firmwares fetched at once */
	uint64_t memory_bytes; /* for jobs; 0: no limit */
	uint64_t job_memory_bytes;
	uint64_t scratch_bytes; /* for what engines unpack; 0: no limit */
	unsigned phone_endpoints, hub_endpoints;
	unsigned phone_ma;
	int64_t remember_ms; /* how long the outcome of a phone that has left is kept */
} RescueLimits;

typedef struct {
	RescueLimits limits;
	GPtrArray *ports;       /* RescuePort, in the order of the file */
	GPtrArray *hubs;        /* RescueHub */
	GPtrArray *controllers; /* RescueController */
} RescueLayout;

/** An empty bench with the built-in limits; caller owns. */
RescueLayout *rescue_layout_new(void);
void rescue_layout_free(RescueLayout *layout);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueLayout, rescue_layout_free)
/** A station file; BAD_INPUT. Caller owns. Groups and keys: layout-key.def. */
RescueLayout *rescue_layout_parse(const char *text, size_t size, GError **error);
/** A port gets another label; BAD_INPUT when that is none, is taken, or there is no such port. */
bool rescue_layout_rename(RescueLayout *layout, const char *from, const char *to, GError **error);
/** Index of the port with this label, or RESCUE_PORT_NONE. */
size_t rescue_layout_find_label(const RescueLayout *layout, const char *label);
/** Index of the port at a place of the kernel's ("1-2.4"), or RESCUE_PORT_NONE. */
size_t rescue_layout_find_place(const RescueLayout *layout, const char *place,
				const GPtrArray *buses);
const RescuePort *rescue_layout_port(const RescueLayout *layout, size_t index);
/** The entry of a controller, or the built-in one when the file has none. Borrowed. */
const RescueController *rescue_layout_controller(const RescueLayout *layout, const char *id);
