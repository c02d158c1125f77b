/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/model/build.h"

#define RESCUE_MANIFEST_MEMBER         "BuildManifest.plist"
#define RESCUE_MANIFEST_MAX_BYTES      (32u * 1024 * 1024)
#define RESCUE_MANIFEST_MAX_IDENTITIES 512u
#define RESCUE_MANIFEST_MAX_COMPONENTS 1024u /* of one identity */
#define RESCUE_MANIFEST_MAX_PRODUCTS   256u
#define RESCUE_MANIFEST_MAX_TEXT       1024u /* bytes of one string */

/** True for a variant that only Apple's own research devices accept ("Research Customer Erase Install (IPSW)"). */
bool rescue_variant_is_research(const char *variant);
/**
 * What a restore with this identity does to the owner's data. The two words have to agree: manifests exist (iOS 26.2.1)
 * that call RestoreBehavior "Erase" for their "Upgrade" variant, and engine 1.0.0 goes by the former. What contradicts
 * itself is UNSAID and thus never chosen.
 */
RescueBehavior rescue_identity_behavior(const char *restore_behavior, const char *variant);

/**
 * BuildManifest.plist (XML or binary) into version, build, products and identities of `firmware`. To `components` one
 * GHashTable is added for each identity, in their order: path → name of each component that a customer's phone may
 * ask for, both owned by the table. FIRMWARE_DAMAGED when it is no manifest. Source of the keys: manifests of
 * iOS 8 to 26.
 */
bool rescue_manifest_read(const char *data, size_t size, RescueFirmware *firmware,
			  GPtrArray *components, GError **error);
