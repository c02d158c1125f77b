/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/model/job.h"

/* The words of "restore" on the command line, and the job that they ask for. */

/** As GOption fills it in; zero-initialise. */
typedef struct {
	char *ecid, *ipsw, *version, *build, *attempts, *deadline, *policy, *events, *consent,
	    *record, *line, *hold;
	gboolean latest, beta, erase, update, unattended, dry_run, no_relay;
} RescueRestoreOptions;

void rescue_restore_options_clear(RescueRestoreOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueRestoreOptions, rescue_restore_options_clear)
/**
 * The job without its device when no ECID was given (ecid 0). Whatever is wrong with the words is one sentence:
 * BAD_INPUT, or a failure of the kind firmware-file when the file is not there. Consent: the options win over the
 * policy. Caller owns.
 */
RescueJob *rescue_restore_options_to_job(const RescueRestoreOptions *options, GError **error);
