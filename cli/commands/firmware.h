/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "cli/common/cli.h"
#include "cli/common/display.h"
#include "core/model/phase.h"
#include "core/model/release.h"
#include "core/process/inbox.h"
#include "firmware/fetch/transfer.h"

/* The actions of `firmware`: one file for the depot, one for downloads. */

/** The options of all actions, as typed; which action takes which is in the table of firmware.c. */
typedef struct {
	gboolean worker, prove, check, beta, latest, refresh, distrust;
	char *version, *build, *url, *sha256, *release, *patience, *older, *image, *file;
	char **arguments; /* what stands behind the action; borrowed */
} RescueFirmwareOptions;

void rescue_firmware_options_clear(RescueFirmwareOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueFirmwareOptions, rescue_firmware_options_clear)

/** One line of a child on its stdout; takes `json`. */
void rescue_firmware_say(RescueJson *json);
/** A RescueTransferListener of a child: a few lines each second. `data`: int64_t, 0, when the last one was said. */
void rescue_firmware_say_news(const RescueTransferNews *news, void *data);

/** How a parent tells what its child does: events, or a display on stderr. */
typedef struct {
	const RescueCli *cli;
	RescuePhase phase;
	RescueDisplay *display;
} RescueFirmwareTeller;

/** Begins the step, behind the event `body`, which it takes; NULL: none. */
void rescue_firmware_teller_start(RescueFirmwareTeller *teller, RescueJson *body);
/** Ends the step. */
void rescue_firmware_teller_clear(RescueFirmwareTeller *teller);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueFirmwareTeller, rescue_firmware_teller_clear)
/** Until the child has said its last word: the path, or NULL with an error. `end(self)` ends it. Caller frees. */
char *rescue_firmware_follow(const RescueFirmwareTeller *teller, RescueInbox *inbox,
			     void (*end)(void *self), void *self, GError **error);

/** Each returns the exit status. */
int rescue_firmware_list(const RescueCli *cli, const RescueFirmwareOptions *options);
int rescue_firmware_verify(const RescueCli *cli, const RescueFirmwareOptions *options);
int rescue_firmware_prune(const RescueCli *cli, const RescueFirmwareOptions *options);
int rescue_firmware_prepare(const RescueCli *cli, const RescueFirmwareOptions *options);
int rescue_firmware_fetch(const RescueCli *cli, const RescueFirmwareOptions *options);
/** The children of list, prepare and fetch. */
int rescue_firmware_list_worker(const RescueCli *cli, const RescueFirmwareOptions *options);
int rescue_firmware_prepare_worker(const RescueCli *cli, const RescueFirmwareOptions *options);
int rescue_firmware_fetch_worker(const RescueCli *cli, const RescueFirmwareOptions *options);
