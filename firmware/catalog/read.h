/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/model/release.h"

/*
 * What the catalogues answer, read without trust: explicit maxima, every field checked, what does not fit is left
 * out.
 * Pure; meant for a process with few rights. Errors: DOWNLOAD_FAILED, the answer makes no sense.
 */

#define RESCUE_CATALOGUE_MAX_BYTES    (16u * 1024 * 1024)
#define RESCUE_CATALOGUE_MAX_RELEASES 2048u

/** RescueRelease; caller owns. */
GPtrArray *rescue_catalogue_new_list(void);

/** api.ipsw.me, GET /v4/device/PRODUCT: adds its firmwares to `releases`. */
bool rescue_catalogue_read_ipswme(const char *text, size_t size, const char *product,
				  GPtrArray *releases, GError **error);
/** AppleDB, GET /ios/OS;BUILD.json: adds the build when it has a restore file for this product. */
bool rescue_catalogue_read_appledb(const char *text, size_t size, const char *product,
				   GPtrArray *releases, GError **error);
/** AppleDB, GET /ios/index.json: the builds of the system of this product, newest first, no betas; caller frees. */
char **rescue_catalogue_read_appledb_index(const char *text, size_t size, const char *product,
					   GError **error);
/** "iOS", "iPadOS": what AppleDB calls the system of a product whose build has this name. Static. */
const char *rescue_catalogue_os_name(const char *product, const char *build);
/** Apple's version list for iTunes, a property list: adds the one release that it offers for this product. */
bool rescue_catalogue_read_apple(const char *text, size_t size, const char *product,
				 GPtrArray *releases, GError **error);

/**
 * Adds what `more` knows to `releases`: missing fields of releases that are there, further addresses, new releases.
 * Who came first is believed where they contradict each other; "signed" by one of them is signed.
 */
void rescue_catalogue_merge(GPtrArray *releases, const GPtrArray *more);
