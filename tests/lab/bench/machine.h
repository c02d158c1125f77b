/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "tests/lab/attach/usbredir.h"

/*
 * A machine under QEMU with a Debian kernel, whose USB ports are those of a LabRedir and whose
 * processes are the host's programs. What a world needs to run its command in one.
 */
typedef struct {
	const char *dir; /* of the world: sockets, guest/, console */
	const GPtrArray
	    *ports;          /* of char *: 1-1.4; a hub is made wherever a port lies behind one */
	LabRedir *redir;     /* gets these ports */
	const char *control; /* FIFO for “ready”, “exit N” and what the command wants done */
	char **environment;  /* of the command on the host; changed where the machine differs */
	char **argv;         /* the command */
	bool usbmuxd;        /* Debian's own runs in the machine */
	bool hubs_fixed;     /* hubs that cannot switch the power of their ports */
} LabMachine;

/** How the machine's usbmuxd names itself to phones; static. */
const char *lab_machine_buid(void);
/** The machine's usbmuxd has long paired with this phone; `record` as it keeps it. */
bool lab_machine_pair(const LabMachine *machine, const char *udid, GBytes *record, GError **error);
/** Where the FIFO's other end is for the machine's command; static. */
const char *lab_machine_control_inside(void);
/** Makes the ports. To be called before a phone is plugged in. */
bool lab_machine_add_ports(const LabMachine *machine, GError **error);
/**
 * Writes what the machine finds in the world's directory, and returns the command that starts it:
 * its outputs are those of the machine's command. It ends when the machine switches itself off.
 * Fails with a sentence that says what to install. g_strfreev().
 */
char **lab_machine_argv(const LabMachine *machine, GError **error);
