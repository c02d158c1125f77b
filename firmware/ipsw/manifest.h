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

/**
 * True for what may be given to libplist. 2.2 takes a zero character inside a text along and later ends the process
 * over it, or reads behind it (found by tests/fuzz); no honest list has one. XML or binary. Pure.
 */
bool rescue_plist_is_safe(const char *data, size_t size);
/**
 * BuildManifest.plist (XML or binary) into version, build, products and identities of `firmware`. To `components` one
 * GHashTable is added for each identity, in their order: path → name of each component that a customer's phone may
 * ask for, both owned by the table. FIRMWARE_DAMAGED when it is no manifest. Source of the keys: manifests of
 * iOS 8 to 26.
 */
bool rescue_manifest_read(const char *data, size_t size, RescueFirmware *firmware,
			  GPtrArray *components, GError **error);
