/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "tests/lab/phone/phone.h"

/*
 * What somebody at the machine does to a phone while the command runs: pulls the cable, puts it
 * into another port, or holds its buttons. Said by a property "at 5 s do move to 1-1.4" of a phone, or by the command
 * itself, which writes "a move to 1-1.4" to $LAB_CONTROL.
 */
typedef struct {
	char *phone;
	char *port;      /* move; NULL: unplug, or recovery */
	bool recovery;   /* the buttons are held until it is in recovery mode */
	unsigned for_ms; /* off the bus for so long; 0 with unplug: for ever */
	unsigned at_ms;  /* after the start of the command */
} LabDeed;

/**
 * Reads "unplug [for N UNIT]", "move to PORT [for N UNIT]" or "recovery [for N UNIT]". NULL with one
 * sentence in `error`.
 * Caller owns the result.
 */
LabDeed *lab_deed_parse(const char *phone, char **words, GError **error);
/** Accepts NULL. */
void lab_deed_free(LabDeed *deed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LabDeed, lab_deed_free)
void lab_deed_do(const LabDeed *deed, LabPhone *phone);
/** A port as the kernel names it: 1-2 or 1-2.4. */
bool lab_port_is_valid(const char *port);
