/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/lab/record/record.h"
#include "tests/lab/scenario/fault.h"
#include "tests/lab/world/ipsw.h"

/*
 * The firmware server: HTTP with ranges and entity tags for the world's files, and a catalogue of them in the shape
 * of
 * api.ipsw.me: GET /v4/device/PRODUCT and /v4/devices.
 */
typedef struct LabFirmware LabFirmware;

/** What the catalogue says of a build, which need not be true. */
typedef enum { LAB_LISTED_SIGNED, LAB_LISTED_UNSIGNED, LAB_LISTED_NOT } LabListing;

/** `record` and `faults` are borrowed. */
LabFirmware *lab_firmware_new(LabRecord *record, LabFaults *faults, GError **error);
/** Accepts NULL. */
void lab_firmware_free(LabFirmware *firmware);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LabFirmware, lab_firmware_free)
/** http://127.0.0.1:PORT; borrowed. */
const char *lab_firmware_url(const LabFirmware *firmware);
uint16_t lab_firmware_port(const LabFirmware *firmware);
/**
 * Serves `file` as /NAME/BASENAME and lists it in the catalogue. Copies what it needs. Returns the URL; caller frees.
 */
char *lab_firmware_add(LabFirmware *firmware, const char *name, const LabIpswSpec *spec,
		       const char *file, LabListing listing);
