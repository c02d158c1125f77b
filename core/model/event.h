/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/json.h"
#include "core/model/build.h"
#include "core/model/device.h"
#include "core/model/job.h"
#include "core/model/phase.h"

/*
 * What a job says outwards, as the contract words it ("restore --events"). A constructor makes the body; who sends
 * it stamps v, seq, ts, job and ecid in front (rescue_event_stamp). Each is owned by the caller.
 */
RescueJson *rescue_event_job(const RescueJob *job);
RescueJson *rescue_event_device(const RescueDevice *device);
/** What was chosen. */
RescueJson *rescue_event_firmware(const RescueRelease *release);
/** The file that is restored from; `release` NULL: it was not fetched, so that nobody told its digests. */
RescueJson *rescue_event_file(const RescueFirmware *firmware, const RescueRelease *release);
/**
 * What the device says of itself and its owner, "before" or "after" the restore; `erased` as for
 * rescue_owner_judge().
 */
RescueJson *rescue_event_facts(const char *when, const RescueDevice *device, bool erased);
/** Something that people should know, and that is no failure. */
RescueJson *rescue_event_note(RescuePhase phase, const char *text);
RescueJson *rescue_event_step(RescuePhase phase, bool begin);
/** bytes and total 0: not known. */
RescueJson *rescue_event_progress(RescuePhase phase, double fraction, uint64_t bytes,
				  uint64_t total);
RescueJson *rescue_event_attempt(unsigned number, const char *engine, const char *outcome);
/** The deadline is told in seconds, like all durations of the event stream. */
RescueJson *rescue_event_operator(const char *instruction, int64_t deadline_ms);
/** Borrowed. */
typedef struct {
	const char *turn; /* "engine", "transfer" */
	unsigned number;
	uint64_t image_bytes;   /* that will go over the bus; 0: not known */
	uint64_t scratch_bytes; /* that its engine will unpack by itself */
	bool old_engine;        /* of 1.0.0: it opens its neighbours while it looks for its phone */
	bool holds;             /* its engine will be held before it sends */
	const char *why;        /* it goes on: "granted"; NULL: it waits */
} RescueTurnEvent;
/** A job of a line waits for its turn, or goes on. */
RescueJson *rescue_event_turn(const RescueTurnEvent *turn);
/** A job of a line has had nothing to tell for a while. */
RescueJson *rescue_event_alive(RescuePhase phase);
/** A new object: the stamp first, then the body's members. */
RescueJson *rescue_event_stamp(const RescueJson *body, uint64_t seq, int64_t wall_us,
			       const char *job, RescueEcid ecid);
