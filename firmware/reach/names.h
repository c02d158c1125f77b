/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/doctor/reach.h"

/* Inner part of firmware/reach: names and addresses. */

/** The line of a hosts file with this name: "/etc/hosts, line 3: 0.0.0.0 gs.apple.com"; NULL: none. Caller frees. */
char *rescue_hosts_find(const char *path, const char *text, const char *host);
/** The same of this computer's; NULL: none. Caller frees. */
char *rescue_hosts_look_up(const char *host);
/** The first name server of a resolv.conf; NULL: none. Caller frees. Pure. */
char *rescue_resolv_read(const char *text);

/** A question to this computer's resolver, asked in the background so that it can be left alone. */
typedef struct RescueLookup RescueLookup;
RescueLookup *rescue_lookup_start(const char *host);
/** Waits at most so long; adds what came to `addresses`. Frees; one that hangs is left to the end of this process. */
RescueNamed rescue_lookup_finish(RescueLookup *lookup, unsigned ms, GPtrArray *addresses);

/** Asks the name server itself, by UDP; `server` an address. Adds to `addresses`. Blocks for at most `ms`. */
RescueNamed rescue_dns_ask(const char *server, const char *host, unsigned ms, GPtrArray *addresses);
/** What an answer to question `id` says; false when it is none. Pure. */
bool rescue_dns_read(const uint8_t *answer, size_t size, uint16_t id, RescueNamed *ret_named,
		     GPtrArray *addresses);
