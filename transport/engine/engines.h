/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/base/json.h"
#include "transport/engine/generation.h"
#include "transport/engine/installed.h"
#include "transport/engine/models.h"

/*
 * The engines of this host: the one in PATH, called "system", and those below ENGINES that `engine install` has
 * brought. Which of them a job gets is said by the job, else by the choice that `engine use` has written, else by
 * the device's model ("auto").
 */

#define RESCUE_ENGINE_SYSTEM "system"
#define RESCUE_ENGINE_AUTO   "auto"

typedef struct {
	char *name;          /* "system", that of its folder, or the path by which it was named */
	RescueLaunch launch; /* as it was named; what was found is in the generation */
	RescueGeneration generation;
	RescueModels *models;       /* NULL: it cannot be told which it knows */
	RescueInstalled *installed; /* NULL: not one of ours */
	GError *trouble;            /* why it cannot be used; NULL: it can */
} RescueEngineEntry;

void rescue_engine_entry_free(RescueEngineEntry *entry);
/** Looks at it again, if its file has changed or it was in trouble; it may have been upgraded since. */
void rescue_engine_entry_refresh(RescueEngineEntry *entry);
/**
 * All there are, the newest first, looked at: each is run for a moment to tell its version. An entry for the system
 * is
 * always there, in trouble when there is no such program. `engines_dir` NULL: only that. Caller owns.
 */
GPtrArray *rescue_engines_list(const char *engines_dir);
/** One that is named by its path, or by a name that is looked for in PATH; with trouble when that fails. */
RescueEngineEntry *rescue_engines_look_at(const char *program);
/**
 * By the name of an entry, of its package's or the program's version ("1.0.1": the newest of them); NULL when there
 * is
 * none. Borrowed.
 */
RescueEngineEntry *rescue_engines_find(const GPtrArray *entries, const char *name);
/**
 * The newest that can be used and knows the model (NULL: not known yet); NULL with MODEL_UNKNOWN when none knows it,
 * or with the trouble of the first one when none can be used. Borrowed. Pure.
 */
RescueEngineEntry *rescue_engines_pick(const GPtrArray *entries, const char *product,
				       GError **error);
/**
 * The same for one that somebody has chosen: it is used or refused, no other takes its place, but a better one of
 * `entries` is named. False with its trouble, MODEL_UNKNOWN or ENGINE_TOO_OLD. Pure.
 */
bool rescue_engines_check(const RescueEngineEntry *entry, const GPtrArray *entries,
			  const char *product, GError **error);

/** What `engine use` has written: a name, or "auto" when it has written none. Caller frees. */
char *rescue_engines_read_choice(const char *engines_dir);
/** Written whole or not at all. HOST_IO. */
bool rescue_engines_write_choice(const char *engines_dir, const char *name, GError **error);
/** One entry for `engine list --json`. Caller owns. */
RescueJson *rescue_engine_entry_to_json(const RescueEngineEntry *entry);
