/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/json.h"

/** Whether a build is still signed, as a catalogue sees it: an opinion, the signing server decides. */
typedef enum {
	RESCUE_SIGNED_UNKNOWN,
	RESCUE_SIGNED_NO,
	RESCUE_SIGNED_YES,
} RescueSigned;

/** One firmware file that exists somewhere: a build for a product. Strings owned; NULL or 0 when not known. */
typedef struct {
	char *product; /* iPhone10,3 */
	char *version; /* 16.7.10 */
	char *build;   /* 20H350 */
	char **urls;   /* http and https, best first; never NULL, may be empty */
	uint64_t size_bytes;
	char *sha256, *sha1; /* lower-case hex */
	RescueSigned is_signed;
	bool beta; /* or a release candidate: never chosen by accident */
} RescueRelease;

#define RESCUE_RELEASE_MAX_URLS 16u
#define RESCUE_RELEASE_MAX_TEXT 2048u
/** Apple's largest files have 12 GB. */
#define RESCUE_RELEASE_MAX_BYTES (UINT64_C(64) << 30)

RescueRelease *rescue_release_new(const char *product, const char *version, const char *build);
RescueRelease *rescue_release_copy(const RescueRelease *release);
/** Accepts NULL. */
void rescue_release_free(RescueRelease *release);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueRelease, rescue_release_free)
/** Adds an address behind the others; false when it is no http or https address, or one too many. Twice counts once. */
bool rescue_release_add_url(RescueRelease *release, const char *url);
/** Takes a digest of 40 or 64 hex digits over in lower case; false, and `*field` untouched, for anything else. */
bool rescue_release_set_hash(char **field, const char *hex, unsigned digits);
/** "iPhone10,3_20H350": the name under which a release is kept; caller frees. */
char *rescue_release_name(const RescueRelease *release);

/** Caller owns. */
RescueJson *rescue_release_to_json(const RescueRelease *release);
/** Trusts nothing; NULL when product, version or build are missing or not what such words look like. Caller owns. */
RescueRelease *rescue_release_from_json(const RescueJson *json);

/** "iPhone10,3": letters, digits and commas only, at most 32 of them. */
bool rescue_product_is_valid(const char *text);
/** "20H350", "23A5276f". */
bool rescue_build_is_valid(const char *text);
/** Apple's betas end in a lower-case letter; replacements of a release do, too, but with a small number before it. */
bool rescue_build_is_beta(const char *build);
/** <0, 0, >0: by number, letter, number: 23B85 > 23A341, 9A405 < 10A403. */
int rescue_build_compare(const char *a, const char *b);
/** <0, 0, >0: number by number, 26.10 > 26.9, 15.4 = 15.4.0; a beta or RC is older than its release. */
int rescue_version_compare(const char *a, const char *b);

/** What is wished for when no file is named: one of the three. Strings owned. */
typedef struct {
	bool latest;
	bool beta; /* with latest: betas and release candidates count too */
	char *version, *build;
} RescueWish;

/** Nothing is wished: the job names a file of its own. */
bool rescue_wish_is_empty(const RescueWish *wish);
void rescue_wish_clear(RescueWish *wish);
/** "latest", "latest or beta", "version 15.4", "build 19E241": for the journal and for people; caller frees. */
char *rescue_wish_describe(const RescueWish *wish);
/**
 * The release that is wished for among those of one product (RescueRelease); NULL when there is none. Of several the
 * one that is not known to be unsigned, then the newest. A beta or release candidate has to be named as one ("26.2 RC",
 * or by its build). Pure; borrowed.
 */
const RescueRelease *rescue_release_choose(const GPtrArray *releases, const RescueWish *wish);
/**
 * What to say when nothing was chosen: "the catalogues know no firmware for …", and which beta would do under its own
 * name. Caller frees.
 */
char *rescue_release_explain_none(const GPtrArray *releases, const char *product,
				  const RescueWish *wish);
/**
 * As rescue_release_choose(), without the builds that the signing server has refused (`refused`, strings): only what a
 * catalogue calls signed. NULL when there is no such. Pure; borrowed.
 */
const RescueRelease *rescue_release_choose_next(const GPtrArray *releases, const RescueWish *wish,
						const GPtrArray *refused);
