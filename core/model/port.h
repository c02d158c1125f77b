/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stdbool.h>

/* The kernel's names of USB ports: "1-2.4" is port 4 of the hub on port 2 of bus 1. NULL is no port. */

/** What became of a device that has left a port, and is on one now. */
typedef enum {
	RESCUE_MOVE_NONE,       /* it is where it was */
	RESCUE_MOVE_WITHIN_HUB, /* another port, but behind the hub that it was behind */
	RESCUE_MOVE_ELSEWHERE, /* a port of the computer itself, or of a hub that is not behind that one */
} RescuePortMove;

/** From one to the other; to nowhere is no move. */
RescuePortMove rescue_port_move(const char *from, const char *to);
/** It is not one of the computer's own. */
bool rescue_port_is_behind_hub(const char *port);
/** "port 4 of the hub on port 2 of bus 1"; the name itself when it is none of the kernel's. Caller frees. */
char *rescue_port_in_words(const char *port);
/** The bus, 1 for "1-2.4"; 0 when it is not one of the kernel's names. */
unsigned rescue_port_bus(const char *port);
