/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/doctor/findings.h"

/* One host that a restore needs, as it looks from here: facts, and what they mean. */

/** What a name service said. */
typedef enum {
	RESCUE_NAMED_UNASKED,
	RESCUE_NAMED_YES,
	RESCUE_NAMED_NO,     /* there is no such name */
	RESCUE_NAMED_SILENT, /* no answer in time */
} RescueNamed;

/** What came of a connection to one port. */
typedef enum {
	RESCUE_REACHED_UNASKED,
	RESCUE_REACHED_YES,
	RESCUE_REACHED_NOT,    /* refused, unreachable, or nothing in time */
	RESCUE_REACHED_NO_TLS, /* connected, then cut or garbage */
	RESCUE_REACHED_UNTRUSTED, /* the certificate is not one of an authority we know, or for another name */
	RESCUE_REACHED_UNTIMELY, /* the certificate is not valid yet, or any more, by our clock */
	RESCUE_REACHED_NO_LIST,  /* our list of authorities cannot be read */
	RESCUE_REACHED_PROXY,    /* the proxy is not there or refuses */
} RescueReached;

typedef struct {
	RescueReached result;
	char *why;       /* in words; NULL when it was reached */
	char *issuer;    /* of the certificate that was shown; NULL: none was */
	char *redirect;  /* the address that the answer sends to; NULL: none */
	char *body;      /* the beginning of the answer; NULL: not kept */
	int64_t date_s;  /* what the answer's Date header says, 0: nothing */
	int64_t asked_s; /* wall time of ours when it came */
} RescueReachPort;

typedef struct {
	RescueEndpoint endpoint; /* its url is borrowed */
	char *host;
	bool own;         /* it stands in for Apple's: named by an option or the config file */
	bool proxied;     /* our own requests go through a proxy */
	char *hosts_line; /* of the hosts file, with its number; NULL: none */
	RescueNamed here, server; /* by this computer's ways; by its name server, asked directly */
	char *name_server;
	GPtrArray *here_addresses, *server_addresses; /* char * */
	RescueReachPort tls;                          /* the url's own port, TLS or not */
	RescueReachPort plain;                        /* port 80 */
} RescueReachFacts;

/** Nothing is known yet; borrows the url. To be cleared. */
void rescue_reach_facts_init(RescueReachFacts *facts, const RescueEndpoint *endpoint);
void rescue_reach_facts_clear(RescueReachFacts *facts);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueReachFacts, rescue_reach_facts_clear)
/** Pure. */
void rescue_reach_judge(const RescueReachFacts *facts, RescueFindings *report);
/** An address that no host of the internet has: loopback, private, unspecified, link-local, carrier-grade. Pure. */
bool rescue_reach_is_private(const char *address);
/** A certificate's issuer is one of the authorities of Apple's servers. Pure. */
bool rescue_reach_is_apple_issuer(const char *issuer);
