/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

/*
 * What the ports of this computer are called and how they have done: from the station file, sysfs and the history.
 * Read anew each time; nobody asks often.
 */

/** Both borrowed; `station` NULL: there is no station file. */
typedef struct {
	const char *state_dir, *station;
} RescuePortsBook;

/** The label of the port, NULL when it has none. Caller frees. */
char *rescue_ports_label(const RescuePortsBook *book, const char *port);
/** Free ports that are better than this one, in words; NULL when none is known. Caller frees. */
char *rescue_ports_spare(const RescuePortsBook *book, const char *port);
