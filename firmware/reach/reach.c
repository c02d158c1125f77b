/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/reach/reach.h"

#include <arpa/inet.h>
#include <string.h>

#include "core/base/path.h"
#include "firmware/reach/names.h"
#include "firmware/reach/probe.h"

#define RESOLV_PATH  "/etc/resolv.conf"
#define RESOLV_BYTES ((size_t)64 * 1024)
#define NAME_MS      2400u
#define LOOKUP_MS    1600u /* beyond the time that the name server got */
#define PROBE_MS     4000u

static bool
is_address(const char *host)
{
	struct in6_addr address;

	return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

static void
look_at_name(RescueReachFacts *facts)
{
	g_autofree char *resolv = rescue_path_read(RESOLV_PATH, RESOLV_BYTES, NULL, NULL);
	RescueLookup *lookup;

	if (is_address(facts->host)) {
		facts->here = RESCUE_NAMED_YES;
		return;
	}
	facts->hosts_line = rescue_hosts_look_up(facts->host);
	facts->name_server = resolv != NULL ? rescue_resolv_read(resolv) : NULL;
	lookup = rescue_lookup_start(facts->host);
	if (facts->name_server != NULL)
		facts->server = rescue_dns_ask(facts->name_server, facts->host, NAME_MS,
					       facts->server_addresses);
	facts->here = rescue_lookup_finish(lookup, LOOKUP_MS, facts->here_addresses);
}

static void
look_at_ports(const RescueReachSpec *spec, RescueReachFacts *facts)
{
	g_autofree char *plain_url = g_strdup_printf("http://%s/", facts->host);
	bool factory = spec->endpoint->need == RESCUE_NEED_FACTORY;
	RescueProbe probe = {
		.url = spec->endpoint->url,
		.ca_file = spec->ca_file,
		.direct = factory,
		.keep_body = spec->endpoint->need == RESCUE_NEED_PORTAL,
		.deadline_ms = PROBE_MS,
	};

	/* names that only the proxy knows cannot be reached past it, and need not be looked for */
	if (facts->here != RESCUE_NAMED_YES && (!facts->proxied || factory)) {
		facts->tls.result = factory && facts->proxied ? RESCUE_REACHED_NOT
							      : RESCUE_REACHED_UNASKED;
		return;
	}
	rescue_probe(&probe, &facts->tls);
	probe.url = plain_url;
	probe.ca_file = NULL;
	probe.keep_body = false;
	if (spec->endpoint->plain)
		rescue_probe(&probe, &facts->plain);
}

void
rescue_reach_look(const RescueReachSpec *spec, RescueReachFacts *ret_facts)
{
	g_autoptr(GUri) uri = g_uri_parse(spec->endpoint->url, G_URI_FLAGS_NONE, NULL);

	rescue_reach_facts_init(ret_facts, spec->endpoint);
	ret_facts->own = spec->own;
	ret_facts->host = g_strdup(uri != NULL ? g_uri_get_host(uri) : spec->endpoint->url);
	ret_facts->proxied = rescue_probe_is_proxied(spec->endpoint->url);
	look_at_name(ret_facts);
	look_at_ports(spec, ret_facts);
}
