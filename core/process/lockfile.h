/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/base/json.h"
#include "core/model/ecid.h"

/*
 * Inner part of core/process: one lock file in a folder that everybody may write to. Nothing in
 * such a folder is trusted: no link is followed, and what the file says is bounded and only ever
 * shown or compared.
 */

/**
 * Opened for reading and writing, made when `create`; -1 without an error when it is not there and
 * need not be.
 */
int rescue_lockfile_open(RescueEcid ecid, const char *kind, bool create, GError **error);
/** The same for one that is not about a device; no path, just a name. */
int rescue_lockfile_open_name(const char *name, bool create, GError **error);
/** The names in the folder that end with `suffix`; caller frees, never NULL. */
GStrv rescue_lockfile_list(const char *suffix);
/** Only the file's owner can, in a sticky folder. */
void rescue_lockfile_remove(const char *name);
/** The descriptor is what the name stands for, and we or root have made it. */
bool rescue_lockfile_is_ours(int fd, const char *name);
/** Takes the lock if nobody has it. */
bool rescue_lockfile_take(int fd);
/**
 * Blocks until it is ours, for `wait_ms` at most; false: who holds it does not let go. For locks that are held for a
 * moment by processes that may be hanging just then.
 */
bool rescue_lockfile_await(int fd, unsigned wait_ms);
/** Somebody else's open file description holds it. */
bool rescue_lockfile_is_held(int fd);
/** Replaces what the file says. A full disk leaves it saying nothing: the lock itself counts. */
void rescue_lockfile_write(int fd, const RescueJson *line);
/** What the file says, NULL when that is not a JSON object. Caller owns. */
RescueJson *rescue_lockfile_read(int fd);
