/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/doctor/findings.h"

/* Folders, engine and firewall of this computer: facts, and what they mean. */

typedef enum {
	RESCUE_FOLDER_STATE,
	RESCUE_FOLDER_CACHE,
	RESCUE_FOLDER_TEMPORARY,
} RescueFolder;

typedef struct {
	RescueFolder folder;
	const char *path;
	const char *why; /* it cannot be written to; NULL: it can */
	bool noexec;
	uint64_t free_bytes;
	bool free_known;
} RescueFolderFacts;

/** Pure. */
void rescue_folder_judge(const RescueFolderFacts *facts, RescueFindings *report);

/** The engine that a job would get, and the device that it would be for. Strings borrowed, NULL when not known. */
typedef struct {
	const char *engine;  /* "idevicerestore 1.0.1" */
	const char *trouble; /* why there is none */
	/* that goes with the trouble: NO_ENGINE, ENGINE_UNUSABLE, MODEL_UNKNOWN */
	RescueFailure failure;
	bool first_generation; /* 1.0.0 */
	const char *product;   /* iPhone10,3 */
	const char *version;   /* that is installed on it: "26.1" */
	const char *build;     /* "23B85", "23A5260n" */
} RescueEngineFacts;

/** Pure. */
void rescue_engine_judge(const RescueEngineFacts *facts, RescueFindings *report);

/** The rules of a firewall as nft or iptables lists them: those that drop what goes out are found. Pure. */
void rescue_firewall_judge(const char *rules, RescueFindings *report);
