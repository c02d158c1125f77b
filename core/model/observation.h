/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/model/device.h"

/** Everything that reaches a waiting job, one at a time and in order. */
typedef enum {
	RESCUE_OBSERVED_DEADLINE, /* nothing came until the deadline of this wait */
	RESCUE_OBSERVED_DEVICE, /* a device appeared, left (mode absent) or changed; never opened for this */
	RESCUE_OBSERVED_LINE, /* the engine wrote a line */
	RESCUE_OBSERVED_EXIT, /* the engine ended */
	RESCUE_OBSERVED_SIGNING, /* the relay between engine and signing server has an answer, or waits for one */
	RESCUE_OBSERVED_FETCH, /* the firmware that is fetched went on, is here, or failed */
	RESCUE_OBSERVED_TURN,  /* the line lets us go on with what we asked for */
	RESCUE_OBSERVED_STOP,  /* somebody asked us to stop (SIGINT, SIGTERM) */
} RescueObservedKind;

typedef struct {
	RescueObservedKind kind;
	RescueDevice *device; /* DEVICE */
	/* SIGNING: what went wrong, a name of the catalogue; NULL: answered. Its words are in `line`, or NULL */
	char *failure;
	bool waiting; /* SIGNING: it is asked again, and the engine waits */
	int signing_status; /* SIGNING: STATUS of the server, -1: it gave none, else minus its HTTP status */
	char *ticket_sha256; /* SIGNING: of the ticket that was given; NULL: none, or not known */
	char *line;          /* LINE: valid UTF-8, without its newline; overlong lines are cut */
	int exit_status; /* EXIT: status, or -1 when a signal ended it or an adopted engine's status is unknown */
	int exit_signal; /* EXIT: the signal, or 0 */
	unsigned stops;  /* STOP: how often by now */
	/* FETCH: `line` is what people should know, or NULL; the last one has a path or an error */
	uint64_t bytes, total; /* total 0: not known */
	char *path;            /* where the whole file is */
	GError *error;
} RescueObservation;

RescueObservation *rescue_observation_new(RescueObservedKind kind);
RescueObservation *rescue_observation_new_device(const RescueDevice *device);
RescueObservation *rescue_observation_new_line(const char *line);
void rescue_observation_free(RescueObservation *observation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueObservation, rescue_observation_free)
