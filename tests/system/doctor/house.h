/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * A host of the test's own, inside the namespaces of `private-host`. It is built once and is clean; each case changes
 * what it needs and house_reset() puts everything back.
 */

/** The hosts that a restore needs; their addresses are real ones on the loopback of this namespace. */
typedef enum {
	HOUSE_SIGNING,
	HOUSE_FACTORY,
	HOUSE_FIRMWARE,
	HOUSE_ITUNES,
	HOUSE_IPSW_ME,
	HOUSE_APPLEDB,
	HOUSE_PORTAL,
	HOUSE_HOSTS
} HouseHost;

/** What stands behind one port of one host. */
typedef enum {
	HOUSE_PORT_OPEN,
	HOUSE_PORT_CLOSED,
	HOUSE_PORT_CUTS, /* takes connections and ends them */
} HousePort;

typedef enum {
	HOUSE_MUX_ANSWERS,
	HOUSE_MUX_ABSENT,
	HOUSE_MUX_CUTS,
} HouseMux;

typedef struct House House;

typedef struct {
	HousePort tls[HOUSE_HOSTS], plain[HOUSE_HOSTS];
	bool foreign;         /* somebody else's certificate, that this computer trusts */
	const char *redirect; /* where port 80 sends to; NULL: nowhere */
	const char *portal;   /* what the portal's page says */
	bool dns_silent;
	const char *dns_unknown; /* this name is not there */
	const char *dns_address; /* all names have this address; NULL: their own */
	const char *dns_other;   /* and this one for whoever asks as libc does; NULL: the same */
	HouseMux mux;
} HouseState;

/** Builds it; NULL with a sentence when this machine does not permit it. */
House *house_new(char **ret_why);
/** Accepts NULL. */
void house_free(House *house);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(House, house_free)
/** Clean again. The state may be changed before the next run; it is applied by house_run(). */
HouseState *house_reset(House *house);
/** A folder on a disk of 64 GB that is the house's own. Borrowed. */
const char *house_dir(const House *house);
/** Writes a file of the house by its path: below house_dir(), in /sys, /dev, or the hosts file, resolv.conf, kmsg. */
void house_write(const House *house, const char *path, const char *format, ...) G_GNUC_PRINTF(3, 4);
/** One phone in recovery mode on this port: its folder in /sys and its node in /dev. */
void house_plug(const House *house, const char *port, unsigned number);
/** A variable of the program's environment, until the next reset; NULL takes it away. */
void house_setenv(House *house, const char *name, const char *value);
/** A program that sleeps until the next reset, under this name. */
void house_start(House *house, const char *name);
/** The programs of the next run have no power over rights: those of files count. */
void house_drop_rights(House *house);
/** Runs the program with these words (NULL-terminated); its status, what it said in `*ret_output` (caller frees). */
int house_run(House *house, const char *const *words, char **ret_output);
