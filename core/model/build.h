/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/model/job.h"

/** How an engine finds the identity of a restore in a manifest: its generation decides. */
typedef enum {
	RESCUE_PICKS_BY_BEHAVIOR, /* 1.0.0: the first of the board with the wanted RestoreBehavior */
	RESCUE_PICKS_BY_VARIANT,  /* later: the first whose Variant is of the wanted kind */
} RescuePicking;

/** One BuildIdentity of a BuildManifest, reduced to what choosing needs. */
typedef struct {
	uint32_t chip_id, board_id;
	char *board;   /* DeviceClass: d221ap */
	char *product; /* iPhone13,2, in manifests that say so; else NULL */
	char *variant; /* "Customer Erase Install (IPSW)" */
	/* the two words that a manifest has for one thing; they contradict each other since iOS 26 */
	RescueBehavior restore_behavior; /* "RestoreBehavior" */
	RescueBehavior install;          /* what `variant` says */
	char *ramdisk;  /* path of the system that does the restore, inside the archive */
	char *os_image; /* path of the OS image inside the archive */
	char *missing; /* a component that the archive lacks: "AOP ‘Firmware/AOP/…’"; NULL: whole */
} RescueIdentity;

/** What an IPSW is, as its own manifest and directory say. */
typedef struct {
	char *path;
	char *version;           /* 15.4 */
	char *build;             /* 19E241 */
	char **products;         /* SupportedProductTypes, NULL-terminated */
	GPtrArray *identities;   /* RescueIdentity */
	uint64_t size_bytes;     /* of the archive */
	uint64_t os_image_bytes; /* of the largest, unpacked */
	bool os_image_stored;    /* none is deflated */
} RescueFirmware;

RescueFirmware *rescue_firmware_new(void);
void rescue_firmware_free(RescueFirmware *firmware);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueFirmware, rescue_firmware_free)
void rescue_identity_free(RescueIdentity *identity);
/** "Erase" or "Update", in any case, as RestoreBehavior has it; all else, and NULL, is UNSAID. */
RescueBehavior rescue_behavior_of_word(const char *restore_behavior);
/** What a Variant says: "… Erase …" or "… Upgrade …"; UNSAID for NULL, neither, and both. */
RescueBehavior rescue_behavior_of_variant(const char *variant);
/** True for a variant that only Apple's own research devices accept ("Research Customer Erase Install (IPSW)"). */
bool rescue_variant_is_research(const char *variant);
/**
 * What a restore with this identity does to the owner's data when an engine that picks this way has picked it.
 * UNSAID:
 * nobody can promise it, so it is never chosen. Each of the two words alone is what one generation of engines goes
 * by;
 * 1.0.0 knows nothing of the other one, so for it the two must not contradict each other.
 */
RescueBehavior rescue_identity_does(const RescueIdentity *identity, RescuePicking picking);

/** What is wished of a firmware: a restore of this kind, of the device with this chip and board. */
typedef struct {
	bool have_chip; /* else the board's name counts, in any case */
	uint32_t chip_id, board_id;
	const char *board;
	RescueBehavior behavior;
	RescuePicking picking;
} RescueIdentityWish;

/**
 * The identity that an engine which picks this way takes for the wish, if it does what is wished; else NULL, and the
 * engine must not be asked: for an update both generations fall back to the first identity of the board, which
 * erases.
 * Borrowed.
 */
const RescueIdentity *rescue_firmware_choose(const RescueFirmware *firmware,
					     const RescueIdentityWish *wish);
/**
 * The product of the device with this chip and board, as the manifest tells it: by the identity, or because the whole
 * firmware is for one product only. NULL when it does not. Borrowed.
 */
const char *rescue_firmware_product(const RescueFirmware *firmware, uint32_t chip_id,
				    uint32_t board_id);
