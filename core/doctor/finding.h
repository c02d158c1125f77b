/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdbool.h>

#include "core/failure/failure.h"

/* What can be wrong with this computer: one line each in finding.def. */

/** Which collector sees it; also the words of `doctor --only`. */
typedef enum {
	RESCUE_PART_NETWORK,
	RESCUE_PART_USB,
	RESCUE_PART_ENGINE,
	RESCUE_PART_HOST,
	RESCUE_PART_LAST
} RescuePart;

typedef enum {
	RESCUE_SEVERITY_BREAKS, /* a restore fails for it */
	RESCUE_SEVERITY_MAY,    /* it fails for it now and then */
	RESCUE_SEVERITY_HINT,   /* worth knowing when one has failed */
} RescueSeverity;

typedef enum {
#define RESCUE_FINDING(id, name, part, severity, failure, means, advice) RESCUE_FINDING_##id,
#include "core/doctor/finding.def"
#undef RESCUE_FINDING
	RESCUE_FINDING_LAST
} RescueFindingId;

typedef struct {
	const char *name; /* hosts-file-line */
	RescuePart part;
	RescueSeverity severity;
	RescueFailure failure; /* what it causes */
	const char *means;     /* one sentence for people */
	const char *advice;    /* what the person should do */
} RescueFindingInfo;

/** Static; never NULL for an id of the table. */
const RescueFindingInfo *rescue_finding_info(RescueFindingId id);
bool rescue_finding_parse(const char *name, RescueFindingId *ret_id);
const char *rescue_part_name(RescuePart part);
bool rescue_part_parse(const char *name, RescuePart *ret_part);
const char *rescue_severity_name(RescueSeverity severity);

/** What a host is needed for; lines of endpoint.def. */
typedef enum {
	RESCUE_NEED_SIGNING,
	RESCUE_NEED_FACTORY, /* the device's own traffic, which no proxy carries */
	RESCUE_NEED_FIRMWARE,
	RESCUE_NEED_CATALOGUE,
	RESCUE_NEED_PORTAL, /* tells whether somebody answers in place of the internet */
	RESCUE_NEED_LAST
} RescueNeed;

typedef struct {
	RescueNeed need;
	const char *url;
	bool plain; /* its port 80 matters, too */
	bool apple;
} RescueEndpoint;

/** The nth line of endpoint.def, NULL beyond the last. Static. */
const RescueEndpoint *rescue_endpoint(size_t n);
const char *rescue_need_name(RescueNeed need);
bool rescue_need_parse(const char *name, RescueNeed *ret_need);
