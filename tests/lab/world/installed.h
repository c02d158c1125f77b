/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * An engine beside that of the system, for worlds that name one: brought by `idevicerescue engine install` into the
 * folder that $RESCUE_ENGINES_DIR names, build/engines by default. Read by the lab itself, from its engine.json.
 */
typedef struct {
	char *dir;                          /* the engine's folder */
	char *program, *loader, *libraries; /* how it is started; absolute */
} LabInstalled;

/**
 * "1.0.1", a package's version, or the folder's name; "current" is the newest one of all. NULL when there is none.
 * Caller owns.
 */
LabInstalled *lab_installed_find(const char *name);
void lab_installed_free(LabInstalled *installed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LabInstalled, lab_installed_free)
/** Where engines are looked for; caller frees. */
char *lab_installed_folder(void);
