/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/model/ecid.h"

/*
 * Which ECID a 40-digit UDID belongs to, for phones up to the iPhone X: such a UDID does not contain it. Written down
 * only when a device said both itself. The file is personal data: mode 0600, bounded.
 */
typedef struct RescueLearned RescueLearned;

/** `state_dir` NULL: kept in memory only. A file that cannot be read is an empty one. */
RescueLearned *rescue_learned_new(const char *state_dir);
/** Accepts NULL. */
void rescue_learned_free(RescueLearned *learned);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueLearned, rescue_learned_free)
/** 0 when not known. */
RescueEcid rescue_learned_get(const RescueLearned *learned, const char *udid);
/** The device said so: remembered and, when it is news, written. False when it could not be written. */
bool rescue_learned_set(RescueLearned *learned, const char *udid, RescueEcid ecid, GError **error);
/** Forgets every device for which `keep` does not say yes. False when that could not be written. */
bool rescue_learned_forget(RescueLearned *learned, bool (*keep)(RescueEcid ecid, const void *data),
			   const void *data, GError **error);
