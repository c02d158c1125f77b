/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

/* Inner part of transport/engine: how a program of the engine is started. */

/**
 * An engine with libraries of its own, newer than those of this host, is started by its own loader: they cannot be
 * mixed (libimobiledevice has kept its name over generations), and LD_LIBRARY_PATH would reach its children too.
 */
typedef struct {
	char *program; /* absolute path; before it was looked for a name, or NULL: idevicerestore */
	char *loader;  /* its own dynamic loader; NULL: the one of this host */
	char *libraries; /* where that looks, with colons in between; NULL without a loader */
} RescueLaunch;

void rescue_launch_copy(RescueLaunch *launch, const RescueLaunch *from);
void rescue_launch_clear(RescueLaunch *launch);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueLaunch, rescue_launch_clear)
/** Adds what stands in front of the options; argv owns its strings. */
void rescue_launch_add(const RescueLaunch *launch, GPtrArray *argv);
/**
 * The dynamic loader that the ELF program asks for: "/lib64/ld-linux-x86-64.so.2". NULL for what is none, or needs
 * none. Caller frees.
 */
char *rescue_launch_read_interpreter(const char *program);
