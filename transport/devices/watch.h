/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

#include "transport/devices/merge.h"

/*
 * The passive watcher: what the kernel tells about Apple devices on USB, from udev events and sysfs attributes that
 * were read at enumeration. No device node is ever opened.
 */
typedef struct RescueWatch RescueWatch;

typedef struct {
	void (*added)(const RescueUsbSighting *seen, void *data); /* perhaps more than once */
	void (*removed)(const char *port, void *data);
	void *data;
} RescueWatchSpec;

/** What is attached now is told before this returns, events follow from the default main context. */
RescueWatch *rescue_watch_new(const RescueWatchSpec *spec, GError **error);
/** Accepts NULL. */
void rescue_watch_free(RescueWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueWatch, rescue_watch_free)
/** Compares with sysfs: catches up on events that were lost, or never come (no udevd in a container). */
void rescue_watch_scan(RescueWatch *watch);
