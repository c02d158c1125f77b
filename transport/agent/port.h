/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * Off and on again through a port's "disable" attribute of sysfs, named by its path. Whoever sends polite signals
 * meanwhile is not heard before the port is on. HOST_IO.
 */
bool rescue_port_cycle(const char *attribute, GError **error);
