/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/json.h"
#include "transport/engine/launch.h"

/*
 * Inner part of transport/engine: an engine that `engine install` has brought. ENGINES/NAME is its private root, with
 * the unmodified files of its packages, and engine.json in it says what it is and how it is started. Paths in there
 * are relative to the folder and never lead out of it.
 */

#define RESCUE_INSTALLED_FILE   "engine.json"
#define RESCUE_INSTALLED_PREFIX "idevicerestore-"

/** One package of an engine, as the archive calls it. */
typedef struct {
	char *name;
	char *version;
	char *architecture;
} RescuePackage;

RescuePackage *rescue_package_new(const char *name, const char *version, const char *architecture);
void rescue_package_free(RescuePackage *package);

typedef struct {
	char *name;    /* of the folder: "idevicerestore-1.0.0+git20251002-1" */
	char *dir;     /* absolute; all of the above lies in it */
	char *version; /* as the program says it: "1.0.1" */
	char *package_version;
	char *suite;
	char *from;       /* the archive's address */
	char *program;    /* relative to `dir`, as the next two */
	char *loader;     /* its own dynamic loader */
	char **libraries; /* folders */
	uint64_t size_bytes;
	char *installed;     /* when: ISO 8601 */
	bool expired_index;  /* the dates of the archive's index were not looked at */
	GPtrArray *packages; /* RescuePackage */
} RescueInstalled;

RescueInstalled *rescue_installed_new(void);
void rescue_installed_free(RescueInstalled *installed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueInstalled, rescue_installed_free)
/** The folder with its engine.json; NULL when that is missing, wrong, or names what is not there. Caller owns. */
RescueInstalled *rescue_installed_read(const char *dir, GError **error);
/** All that can be read below this folder, in no order; an empty array when there is none. Caller owns. */
GPtrArray *rescue_installed_list(const char *engines_dir);
/** What engine.json says, and `engine list --json`. Caller owns. */
RescueJson *rescue_installed_to_json(const RescueInstalled *installed);
/** Caller clears `ret_launch`. */
void rescue_installed_launch(const RescueInstalled *installed, RescueLaunch *ret_launch);
