/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "firmware/fetch/image.h"
#include "firmware/fetch/transfer.h"

/* Without a sign of life from the job that makes the image we wait for. */
#define RESCUE_PREPARE_PATIENCE_MS (INT64_C(120) * 1000)

typedef struct {
	const RescueDepot *depot;
	const char *source;  /* the archive, absolute */
	const char *member;  /* what the image is called in there */
	uint64_t size_limit; /* of the depot; 0: none */
	int64_t patience_ms; /* for another job's making of it; 0: RESCUE_PREPARE_PATIENCE_MS */
	RescueTransferListener listener; /* NULL: nobody; bytes are those of the image */
	void *data;
} RescueMakeSpec;

/**
 * The system image of an archive, unpacked in the depot: found there, made by us, or by another job that we wait for.
 * Size and CRC-32 are those of the archive's directory. FIRMWARE_DAMAGED and its kind when the archive is at fault,
 * NO_SPACE before a byte is written when there is no room, HOST_IO. Reads hostile input, for a process with few
 * rights. Caller owns.
 */
RescueImage *rescue_image_make(const RescueMakeSpec *spec, GError **error);
/** It is whole as it lies in the archive: size and CRC-32. Nothing is written. Fails as the other. */
bool rescue_image_prove(const RescueMakeSpec *spec, GError **error);
