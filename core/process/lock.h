/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/model/ecid.h"

/*
 * One lock per ECID, host-wide and visible to all users: files below /run/lock/idevicerescue (or
 * the folder named by IDEVICERESCUE_LOCK_DIR, else /tmp/idevicerescue-lock, sticky and
 * world-writable).
 *
 * It is made of two files, both locked by an open file description (fcntl, F_OFD_SETLK), which
 * children inherit:
 *
 *   0x….supervisor   held by the supervisor only: it ends with it
 *   0x….lock         held by the supervisor and by the engine that inherited its descriptor:
 *                     somebody may be driving the device
 *
 * Who wants the device needs both. One that gets the first and not the second has found an orphan:
 * an engine whose supervisor died. rescue_lock_take() then refuses (BUSY, naming the engine), so
 * nobody drives the device beside it; rescue_lock_take_from() supervises it, when the caller knows
 * from its journal which engine that is. Two files, rather than fetching the descriptor out of the
 * orphan, because that needs the right to trace it, which many hosts deny.
 *
 * Each file tells in one JSON line who holds it. Trying whether a lock is held does not take it for
 * a moment (F_OFD_GETLK), so onlookers never make a taker fail.
 */
typedef struct RescueLock RescueLock;

/** Who holds a lock. */
typedef struct {
	pid_t pid; /* of the supervisor; of the engine when it is an orphan; 0: not known */
	uint64_t start_time;
	char *job;        /* or what it does: "enter-recovery"; NULL: not known */
	int64_t since_us; /* wall time; 0: not known */
	bool orphan;      /* an engine without a supervisor */
	pid_t engine_pid; /* of the engine that was last started under this lock, or 0 */
	uint64_t engine_start_time;
} RescueLockHolder;

/**
 * NULL with RESCUE_ERROR_BUSY naming the holder when somebody has it. Waits for nobody, except 100
 * ms for one that is just ending.
 */
RescueLock *rescue_lock_take(RescueEcid ecid, const char *job, int64_t now_us, GError **error);
/** An engine as the journal knows it. */
typedef struct {
	pid_t pid;
	uint64_t start_time;
} RescueLockEngine;
/**
 * Like rescue_lock_take(), but when this very engine, orphaned, is what still holds the device, the
 * caller becomes its supervisor. The caller then adopts the engine; until its end rescue_lock_fd()
 * is -1, so that no second one starts.
 */
RescueLock *rescue_lock_take_from(RescueEcid ecid, const RescueLockEngine *engine, const char *job,
				  int64_t now_us, GError **error);
/**
 * Writes into the lock which engine is going to inherit it; for the engine's before_exec. Accepts a
 * NULL lock.
 */
void rescue_lock_note_engine(RescueLock *lock, pid_t pid, uint64_t start_time);
/** Of a descriptor to pass on to the engine; -1 for NULL and while an adopted engine lives. */
int rescue_lock_fd(RescueLock *lock);
/** Lets go; children that inherited the descriptor keep it. Accepts NULL. */
void rescue_lock_free(RescueLock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueLock, rescue_lock_free)
/** Who holds it now; false when nobody does. Caller clears. */
bool rescue_lock_who(RescueEcid ecid, RescueLockHolder *ret_holder);
/** Another device than this one is driven by somebody on this computer. */
bool rescue_lock_is_any_other(RescueEcid ecid);
void rescue_lock_holder_clear(RescueLockHolder *holder);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueLockHolder, rescue_lock_holder_clear)
