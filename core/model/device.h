/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/model/ecid.h"
#include "core/model/mode.h"
#include "core/model/owner.h"

/** Where a device is plugged in: the kernel's port path, and what the link runs at. */
typedef struct {
	char *port;            /* "1-2.4" as in sysfs; NULL when not known */
	unsigned speed_mbit;   /* 480; 0 unknown */
	unsigned bus, address; /* USB bus and device number; 0 unknown */
} RescuePlace;

/** Whether iOS trusts this computer. */
typedef enum {
	RESCUE_TRUST_UNKNOWN, /* nobody has asked */
	RESCUE_TRUST_ASKING,  /* the question is on its screen, and nobody has answered yet */
	RESCUE_TRUST_GIVEN,
	RESCUE_TRUST_LAST
} RescueTrust;

/** "asking", "given"; NULL for UNKNOWN. */
const char *rescue_trust_name(RescueTrust trust);
/** UNKNOWN for what is none of these words, and for NULL. */
RescueTrust rescue_trust_of_word(const char *word);

/** One device as it is known at a moment. A value: copied, not shared. All strings owned, NULL when not known. */
typedef struct {
	RescueEcid ecid; /* 0 while only the UDID is known */
	RescueMode mode;
	RescuePlace place;
	char *udid;
	char *product; /* iPhone10,3 */
	char *board;   /* d22ap */
	char *serial;
	char *version; /* installed, seen in normal mode */
	char *build;
	unsigned battery_percent;   /* as it said last; 0: not known */
	uint32_t chip_id, board_id; /* CPID, BDID; have_chip says whether they are known */
	bool have_chip;
	/* of the last time that iOS was asked, until it is seen in another mode; rescue_owner_judge() weighs it */
	RescueOwner owner;
	RescueTrust trust; /* as far as it was asked in this very answer; no sighting tells it */
} RescueDevice;

RescueDevice *rescue_device_new(void);
RescueDevice *rescue_device_copy(const RescueDevice *device);
void rescue_device_free(RescueDevice *device);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueDevice, rescue_device_free)
/** Facts that `news` knows replace those of `device`; what it does not know stays. Mode and place always follow. */
void rescue_device_update(RescueDevice *device, const RescueDevice *news);
/**
 * The iBoot serial string ("CPID:8015 … ECID:… SRNM:[…]") into ecid, chip, board and serial; false when it has no
 * ECID. Source: the string descriptor of recovery and DFU devices, as libirecovery reads it.
 */
bool rescue_device_read_iboot_serial(RescueDevice *device, const char *serial);
/** A kind that this product refuses by name ("Apple Watch"), or NULL when it is served. Static. */
const char *rescue_device_refused_kind(const char *product);
/** "iPhone10,3 0x…, in recovery mode (iBoot), on port 1-2": for people; caller frees. */
char *rescue_device_describe(const RescueDevice *device);
