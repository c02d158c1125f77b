/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Inner part of transport/engine: what apt is told, and what it says. Pure, so that it can be tested without an
 * archive. apt itself fetches, checks the signatures and resolves the dependencies; it works in folders of ours with
 * an empty list of installed packages, so that an engine comes with everything down to libc.
 */

/** Where the parts of an installation lie; all absolute. */
typedef struct {
	const char *stage; /* private folder of this installation */
	const char
	    *lists; /* the archive's indexes: kept, since they are larger than the packages */
	const char *keyring; /* the keys of the archive */
	const char *from;    /* its address */
	const char *suite;   /* "sid" */
	const char *arch;    /* "amd64" */
	const char *host;    /* lines of the host's configuration to take over, or NULL */
	bool expired_index;  /* the index's dates are not looked at */
	bool is_root;
} RescueAptSpec;

/**
 * A suite is a word; an address is http, https or file, without anything that a sources list would take for its own.
 * BAD_INPUT.
 */
bool rescue_apt_check(const char *suite, const char *from, GError **error);
/** The whole configuration: nothing of the host's is in force beside it. Caller frees. */
char *rescue_apt_make_config(const RescueAptSpec *spec);
/** The one line of the sources list. Caller frees. */
char *rescue_apt_make_source(const RescueAptSpec *spec);
/**
 * Of `apt-config dump` those lines that say how the network is reached: proxies, retries, address family. What
 * weakens
 * the checks of signature and date is not taken over, whatever the host has. Caller frees.
 */
char *rescue_apt_keep_network(const char *dump);
/** The format for `apt-get indextargets` that rescue_apt_find_archive() reads. */
#define RESCUE_APT_TARGETS "$(REPO_URI) $(COMPONENT) $(LABEL)"
/** The address of the Debian archive among the host's sources, NULL when there is none. Caller frees. */
char *rescue_apt_find_archive(const char *targets);
/** `apt-get --simulate install`: what would come, RescuePackage. Caller owns. */
GPtrArray *rescue_apt_read_plan(const char *simulation);
/** "Get:12 http://… sid/main amd64 libfoo amd64 1.2 [3 kB]": the package; NULL for other lines. Caller frees. */
char *rescue_apt_read_fetched(const char *line);
/** What apt complains of, as one sentence about this installation; `errors` is its stderr. */
void rescue_apt_set_error(const RescueAptSpec *spec, const char *errors, GError **error);
