/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/model/ecid.h"

/* Forgetting: what a job left below the state folder is deleted for good. */

/**
 * The journal, the transcripts and all else in the folder of the job. The journal goes last, so that
 * what could not be deleted is still listed. A job that is not there is fine; BAD_INPUT when it is
 * no job id, HOST_IO when something is left.
 */
bool rescue_store_remove_job(const char *state_dir, const char *job, GError **error);
/** Saved tickets of this device: what lies below STATE/tickets and has the ECID in its name, in any notation. */
bool rescue_store_remove_tickets(const char *state_dir, RescueEcid ecid, GError **error);
/** All saved tickets. */
bool rescue_store_remove_all_tickets(const char *state_dir, GError **error);
/** A folder with all that is below it, or a file; no link is followed. What is not there is fine. HOST_IO. */
bool rescue_store_remove_tree(const char *path, GError **error);
