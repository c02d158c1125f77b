/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "cli/common/cli.h"
#include "core/process/inbox.h"
#include "firmware/catalog/catalogue.h"
#include "firmware/fetch/fetch.h"
#include "firmware/prepare/prepare.h"

/* Catalogue, downloads and depot as the global options want them: for the wiring of a job and for `firmware`. */

/** `refresh`: young answers are not good enough. Caller owns. */
RescueCatalogue *rescue_cli_new_catalogue(const RescueCli *cli, bool refresh);
/** `patience_ms` 0: the built-in one. The inbox is borrowed. Caller owns. */
RescueFetch *rescue_cli_new_fetch(const RescueCli *cli, RescueInbox *inbox, int64_t patience_ms);
/** The inbox is borrowed. Caller owns. */
RescuePrepare *rescue_cli_new_prepare(const RescueCli *cli, RescueInbox *inbox);
/** Caller owns. */
RescueDepot *rescue_cli_open_depot(const RescueCli *cli, GError **error);
/**
 * What the catalogues have for this wish and product, which may be a model's other name. `refresh`: young answers are
 * not good enough. FIRMWARE_NOT_LISTED, and as of rescue_catalogue_consult(). Caller owns.
 */
RescueRelease *rescue_cli_choose_release(const RescueCli *cli, const char *product,
					 const RescueWish *wish, bool refresh, GError **error);
/** Where to read it: its file in the depot, else its address; NULL with NOT_LISTED when it has none. Caller frees. */
char *rescue_cli_locate_release(const RescueCli *cli, const RescueRelease *release, GError **error);
/** Bytes of a size that was checked before; 0 for NULL. */
uint64_t rescue_cli_size(const char *text);
