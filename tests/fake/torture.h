/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/run/run.h"
#include "tests/fake/world.h"

/*
 * Between a job and the ports of a fake world: one call, or all from one on, of one slot go wrong, and everything that
 * the job does is held against the rules of the house, whatever goes wrong. torture.def has the slots.
 */

typedef enum {
	RESCUE_TORTURE_ERROR,   /* it reports a failure, and has done nothing */
	RESCUE_TORTURE_CRASH,   /* what works behind it dies; what it was to do may have happened */
	RESCUE_TORTURE_TIMEOUT, /* it takes its whole deadline, or is never heard of again */
	RESCUE_TORTURE_NOTHING, /* all is well */
} RescueTortureFault;

/* The slots, with two values around those of each port: the one where they begin, the one where they end. */
typedef enum {
#define RESCUE_TORTURE_PORT(port, type) \
	RESCUE_TORTURE_BEGIN_##port, RESCUE_TORTURE_BEFORE_##port = RESCUE_TORTURE_BEGIN_##port - 1,
#define RESCUE_TORTURE_SLOT(port, slot, error, crash, seconds, intent) \
	RESCUE_TORTURE_##port##_##slot,
#define RESCUE_TORTURE_END(port, type) \
	RESCUE_TORTURE_END_##port, RESCUE_TORTURE_AFTER_##port = RESCUE_TORTURE_END_##port - 1,
#include "tests/fake/torture.def"
#undef RESCUE_TORTURE_PORT
#undef RESCUE_TORTURE_SLOT
#undef RESCUE_TORTURE_END
	RESCUE_TORTURE_SLOTS
} RescueTortureSlot;

/** What goes wrong. */
typedef struct {
	RescueTortureSlot slot;
	RescueTortureFault fault;
	unsigned first, last; /* of its calls, from 1; last 0: all that follow */
} RescueTortureSpec;

typedef struct RescueTorture RescueTorture;

/** Puts itself before the ports of this world, which has to live longer. */
RescueTorture *rescue_torture_new(RescueWorld *world, const RescueTortureSpec *spec,
				  RescueBehavior behavior);
void rescue_torture_free(RescueTorture *torture);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueTorture, rescue_torture_free)

/** "engine.start" */
const char *rescue_torture_slot_name(RescueTortureSlot slot);
/** A job makes such calls at all. */
bool rescue_torture_slot_is_used(RescueTortureSlot slot);
/** "error", "crash", "timeout" */
const char *rescue_torture_fault_name(RescueTortureFault fault);
/** How often the slot was called. */
unsigned rescue_torture_count(const RescueTorture *torture, RescueTortureSlot slot);
/** The fault has come about. */
bool rescue_torture_struck(const RescueTorture *torture);
/** The first rule that the job broke while it ran, or in how it ended; NULL: none. Borrowed. */
const char *rescue_torture_judge(RescueTorture *torture, const RescueRunResult *result);

/*
 * The crash of store.append is the end of the supervisor itself, just after the event reached the disk: what it does
 * from there on happens to nobody. This is what it leaves behind.
 */
bool rescue_torture_supervisor_died(const RescueTorture *torture);
/** Events, RescueJson. Borrowed. */
const GPtrArray *rescue_torture_journal(const RescueTorture *torture);
/** Where the phone was then. */
RescueMode rescue_torture_last_mode(const RescueTorture *torture);
/** An engine goes on without it. */
bool rescue_torture_engine_lives(const RescueTorture *torture);
