/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include <plist/plist.h>

/** What is wrong with a firmware file, for tests of bad input. */
typedef enum {
	LAB_DAMAGE_NONE,
	LAB_DAMAGE_TRUNCATE,    /* only the first `number` percent of the file are there */
	LAB_DAMAGE_BYTE_FLIP,   /* one bit of component `text` differs, its CRC-32 does not match */
	LAB_DAMAGE_NO_MANIFEST, /* no BuildManifest.plist */
	LAB_DAMAGE_BAD_MANIFEST, /* BuildManifest.plist is not a plist */
	LAB_DAMAGE_NO_COMPONENT, /* the manifest names component `text`, the archive does not have it */
	LAB_DAMAGE_HTML,         /* a web page was saved under the name of the firmware */
	LAB_DAMAGE_EMPTY,        /* zero bytes */
	LAB_DAMAGE_LAST
} LabDamage;

/** One firmware to build. Zero-initialise; lab_ipsw_spec_clear() frees the strings. */
typedef struct {
	char *product; /* iPhone10,3; a line of model.def */
	char *version; /* 15.0 */
	char *build;   /* 19A346 */
	/* a real BuildManifest.plist to fill with synthetic components; NULL: make one */
	char *manifest;
	uint64_t os_bytes; /* size of the OS image, unpacked */
	bool os_deflated;  /* false: stored */
	LabDamage damage;
	unsigned damage_number;
	char *damage_text;
} LabIpswSpec;

void lab_ipsw_spec_clear(LabIpswSpec *spec);
/** Takes what the spec leaves out, version and build, from the given manifest. */
bool lab_ipsw_spec_complete(LabIpswSpec *spec, GError **error);

/**
 * The BuildManifest: the given one, or one made from the model table with an Erase and an Update identity. `os_digest`
 * is the SHA-384 of the OS image, NULL while it is not known. Caller frees with plist_free(); NULL with `error` set.
 */
plist_t lab_manifest_new(const LabIpswSpec *spec, GBytes *os_digest, GError **error);
/** Restore.plist, the older summary that lies beside the manifest. Caller frees with plist_free(). */
plist_t lab_restore_plist_new(const LabIpswSpec *spec, plist_t manifest);
/** UniqueBuildID of each identity as lower-case hex; caller frees the array. */
GPtrArray *lab_manifest_unique_ids(plist_t manifest);
/** iPhone10,3_15.0_19A346_Restore.ipsw; caller frees. */
char *lab_ipsw_file_name(const LabIpswSpec *spec);
/**
 * Writes the archive to `path`. The content is a pure function of the spec. In memory there is never more than one
 * component; the OS image is streamed. Damage is done last.
 */
bool lab_ipsw_build(const LabIpswSpec *spec, const char *path, GError **error);

/** The word of the scenario language; "none" and so on. */
const char *lab_damage_name(LabDamage damage);
bool lab_damage_parse(const char *text, LabDamage *ret_damage);
