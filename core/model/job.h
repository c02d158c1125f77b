/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/model/ecid.h"
#include "core/model/policy.h"
#include "core/model/release.h"

/** What happens to the owner's data; consent is given by naming it. */
typedef enum {
	RESCUE_BEHAVIOR_UNSAID, /* neither --erase nor --update: no job */
	RESCUE_BEHAVIOR_UPDATE,
	RESCUE_BEHAVIOR_ERASE,
} RescueBehavior;

/** "erase" or "update". */
const char *rescue_behavior_name(RescueBehavior behavior);

/** What is wished for one device. A value; strings owned. */
typedef struct {
	char *id;        /* of the job, unique on this host: "20261122T100400-1a2b" */
	RescueEcid ecid; /* 0: the only device there is */
	char *ipsw;      /* absolute path; NULL: `wish` says which firmware */
	RescueWish wish;
	RescueBehavior behavior;
	bool unattended;      /* nobody answers prompts; consents to nothing by itself */
	bool dry_run;         /* all checks, then stop before the device is touched */
	char *engine;         /* path or NULL: the one of this host */
	char *host;           /* name of this computer, for the record; NULL: unsaid */
	char *signing_server; /* URL or NULL: Apple's */
	bool ignore_baseband; /* the engine goes on when the modem's update fails, if it can */
	bool no_relay;        /* the engine asks the signing server by itself */
	int hold_ms; /* of a line: so long an engine may be held before it sends; 0: not at all */
	RescuePolicy *policy;
} RescueJob;

RescueJob *rescue_job_new(void);
void rescue_job_free(RescueJob *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueJob, rescue_job_free)
/** A fresh id from wall time and random bits; those made later sort behind those made before. Caller frees. */
char *rescue_job_make_id(int64_t wall_us, uint32_t random);
