/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/doctor/reach.h"

#include <stdlib.h>
#include <string.h>

#define WRONG_S     (INT64_C(24) * 3600) /* from here on certificates may well fail */
#define DRIFT_S     (INT64_C(5) * 60)
#define PORTAL_WORD "Success"

static const char *const authorities[] = { "Apple", "DigiCert" };

/* what nobody on the internet has; prefixes of the written form, those with a range are looked at apart */
static const char *const private_prefixes[] = {
	"0.", "10.", "127.", "169.254.", "192.168.", "::", "fe8", "fe9", "fea", "feb", "fc", "fd"
};

static const RescueFindingId unreachable[RESCUE_NEED_LAST] = {
	[RESCUE_NEED_SIGNING] = RESCUE_FINDING_SIGNING_AWAY,
	[RESCUE_NEED_FACTORY] = RESCUE_FINDING_FACTORY_AWAY,
	[RESCUE_NEED_FIRMWARE] = RESCUE_FINDING_FIRMWARE_AWAY,
	[RESCUE_NEED_CATALOGUE] = RESCUE_FINDING_CATALOGUE_AWAY,
	[RESCUE_NEED_PORTAL] = RESCUE_FINDING_LAST, /* only its answer tells something */
};

void
rescue_reach_facts_init(RescueReachFacts *facts, const RescueEndpoint *endpoint)
{
	*facts = (RescueReachFacts){ .endpoint = *endpoint };
	facts->here_addresses = g_ptr_array_new_with_free_func(g_free);
	facts->server_addresses = g_ptr_array_new_with_free_func(g_free);
}

static void
port_clear(RescueReachPort *port)
{
	g_free(port->why);
	g_free(port->issuer);
	g_free(port->redirect);
	g_free(port->body);
}

void
rescue_reach_facts_clear(RescueReachFacts *facts)
{
	g_free(facts->host);
	g_free(facts->hosts_line);
	g_free(facts->name_server);
	g_clear_pointer(&facts->here_addresses, g_ptr_array_unref);
	g_clear_pointer(&facts->server_addresses, g_ptr_array_unref);
	port_clear(&facts->tls);
	port_clear(&facts->plain);
	*facts = (RescueReachFacts){ .host = NULL };
}

/* the second number of a dotted quad that begins with `first`, -1 for others */
static long
second_number(const char *address, const char *first)
{
	guint64 value = 0;
	g_auto(GStrv) parts = g_strsplit(address, ".", 3);

	if (g_strv_length(parts) < 3 || strcmp(parts[0], first) != 0 ||
	    !g_ascii_string_to_unsigned(parts[1], 10, 0, 255, &value, NULL))
		return -1;
	return (long)value;
}

bool
rescue_reach_is_private(const char *address)
{
	long in_172 = second_number(address, "172");
	long in_100 = second_number(address, "100");

	for (size_t i = 0; i < G_N_ELEMENTS(private_prefixes); i++) {
		if (g_str_has_prefix(address, private_prefixes[i]))
			return true;
	}
	return (in_172 >= 16 && in_172 <= 31) || (in_100 >= 64 && in_100 <= 127);
}

bool
rescue_reach_is_apple_issuer(const char *issuer)
{
	for (size_t i = 0; i < G_N_ELEMENTS(authorities); i++) {
		if (strstr(issuer, authorities[i]) != NULL)
			return true;
	}
	return false;
}

static const char *
find_private(const GPtrArray *addresses)
{
	for (guint i = 0; i < addresses->len; i++) {
		if (rescue_reach_is_private(addresses->pdata[i]))
			return addresses->pdata[i];
	}
	return NULL;
}

/* the network of an address, wide enough for the many servers behind one name */
static char *
net_of(const char *address)
{
	g_auto(GStrv) parts = g_strsplit_set(address, ".:", 3);

	return g_strv_length(parts) < 2 ? g_strdup(address)
					: g_strdup_printf("%s %s", parts[0], parts[1]);
}

static bool
share_a_net(const GPtrArray *first, const GPtrArray *second)
{
	for (guint i = 0; i < first->len; i++) {
		g_autofree char *net = net_of(first->pdata[i]);
		for (guint k = 0; k < second->len; k++) {
			g_autofree char *other = net_of(second->pdata[k]);
			if (strcmp(net, other) == 0)
				return true;
		}
	}
	return false;
}

static bool
is_astray(const RescueReachFacts *facts, const GPtrArray *addresses, const char *whose,
	  RescueFindings *report)
{
	const char *address = facts->endpoint.apple && !facts->own ? find_private(addresses) : NULL;

	if (address != NULL)
		rescue_findings_find(report, RESCUE_FINDING_DNS_SINKHOLE, "%s is %s by %s",
				     facts->host, address, whose);
	return address != NULL;
}

/* what both say; false when something is wrong with the name */
static bool
judge_answers(const RescueReachFacts *facts, RescueFindings *report)
{
	bool both = facts->here == RESCUE_NAMED_YES && facts->server == RESCUE_NAMED_YES;

	if (is_astray(facts, facts->here_addresses, "this computer", report) ||
	    is_astray(facts, facts->server_addresses, "its name server", report))
		return false;
	if (!both || share_a_net(facts->here_addresses, facts->server_addresses))
		return true;
	rescue_findings_find(report, RESCUE_FINDING_DNS_DISAGREES,
			     "%s is %s here, and %s by the name server %s", facts->host,
			     (const char *)facts->here_addresses->pdata[0],
			     (const char *)facts->server_addresses->pdata[0], facts->name_server);
	return true;
}

/* false when there is no use in looking at connections: the name is the cause of whatever they do */
static bool
judge_name(const RescueReachFacts *facts, RescueFindings *report)
{
	/* the proxy resolves names, not we; but the device's own traffic has none */
	if (facts->proxied && facts->endpoint.need != RESCUE_NEED_FACTORY)
		return true;
	if (facts->hosts_line != NULL && !facts->own) {
		rescue_findings_find(report,
				     facts->endpoint.need == RESCUE_NEED_SIGNING
					 ? RESCUE_FINDING_HOSTS_FILE
					 : RESCUE_FINDING_HOSTS_FILE_OTHER,
				     "%s", facts->hosts_line);
		return false;
	}
	/* told as what it is when the connection fails */
	if (facts->proxied)
		return true;
	if (facts->server == RESCUE_NAMED_SILENT && facts->here != RESCUE_NAMED_YES) {
		rescue_findings_find(report, RESCUE_FINDING_DNS_SILENT, "%s, asked for %s",
				     facts->name_server, facts->host);
		return false;
	}
	if (facts->here == RESCUE_NAMED_NO || facts->here == RESCUE_NAMED_SILENT) {
		rescue_findings_find(report, RESCUE_FINDING_DNS_UNKNOWN, "%s", facts->host);
		return false;
	}
	return judge_answers(facts, report);
}

static void
judge_clock(const RescueReachFacts *facts, const RescueReachPort *port, RescueFindings *report)
{
	int64_t off_s = port->date_s != 0 ? port->asked_s - port->date_s : 0;
	RescueFindingId id = llabs(off_s) >= WRONG_S ? RESCUE_FINDING_CLOCK_WRONG
						     : RESCUE_FINDING_CLOCK_DRIFTS;

	/* one voice is enough, but not that of somebody in between */
	if (llabs(off_s) >= DRIFT_S)
		rescue_findings_find(report, id,
				     "%" G_GINT64_FORMAT " minutes %s by the answer of %s",
				     (gint64)llabs(off_s) / 60, off_s > 0 ? "ahead" : "behind",
				     facts->host);
}

static void
judge_untimely(const RescueReachFacts *facts, RescueFindings *report)
{
	rescue_findings_find(report, RESCUE_FINDING_CLOCK_WRONG, "the certificate of %s: %s",
			     facts->host, facts->tls.why);
}

static void
judge_away(const RescueReachFacts *facts, RescueFindings *report)
{
	RescueFindingId id = unreachable[facts->endpoint.need];

	if (facts->endpoint.need == RESCUE_NEED_FACTORY && facts->proxied)
		id = RESCUE_FINDING_PROXY_BYPASSED;
	else if (facts->plain.result == RESCUE_REACHED_YES)
		id = RESCUE_FINDING_TLS_PORT_BLOCKED;
	if (id != RESCUE_FINDING_LAST)
		rescue_findings_find(report, id, "%s: %s", facts->host,
				     facts->tls.why != NULL ? facts->tls.why : "no answer");
}

static bool
is_foreign(const RescueReachFacts *facts)
{
	const char *issuer = facts->tls.issuer;

	return facts->endpoint.apple && !facts->own && issuer != NULL &&
	       !rescue_reach_is_apple_issuer(issuer);
}

static void
judge_reached(const RescueReachFacts *facts, RescueFindings *report)
{
	if (is_foreign(facts))
		rescue_findings_find(report, RESCUE_FINDING_TLS_ISSUER, "%s: issued by %s",
				     facts->host, facts->tls.issuer);
	else
		rescue_findings_pass(report, "%s answers (%s)", facts->host,
				     rescue_need_name(facts->endpoint.need));
	judge_clock(facts, &facts->tls, report);
}

static void
judge_untrusted(const RescueReachFacts *facts, RescueFindings *report)
{
	/* Apple's own root is not in the lists of Linux */
	if (facts->endpoint.apple && facts->tls.issuer != NULL &&
	    rescue_reach_is_apple_issuer(facts->tls.issuer))
		rescue_findings_pass(report, "%s shows a certificate of Apple's", facts->host);
	else
		rescue_findings_find(report, RESCUE_FINDING_TLS_ISSUER, "%s: issued by %s (%s)",
				     facts->host,
				     facts->tls.issuer != NULL ? facts->tls.issuer : "nobody known",
				     facts->tls.why);
}

static void
judge_connection(const RescueReachFacts *facts, RescueFindings *report)
{
	switch (facts->tls.result) {
	case RESCUE_REACHED_UNASKED:
		return;
	case RESCUE_REACHED_YES:
		judge_reached(facts, report);
		return;
	case RESCUE_REACHED_NOT:
		judge_away(facts, report);
		return;
	case RESCUE_REACHED_NO_TLS:
		rescue_findings_find(report, RESCUE_FINDING_TLS_BROKEN, "%s: %s", facts->host,
				     facts->tls.why);
		return;
	case RESCUE_REACHED_UNTRUSTED:
		judge_untrusted(facts, report);
		return;
	case RESCUE_REACHED_UNTIMELY:
		judge_untimely(facts, report);
		return;
	case RESCUE_REACHED_NO_LIST:
		rescue_findings_find(report, RESCUE_FINDING_AUTHORITIES_MISSING, "%s",
				     facts->tls.why);
		return;
	case RESCUE_REACHED_PROXY:
		rescue_findings_find(report, RESCUE_FINDING_PROXY_BROKEN, "%s: %s", facts->host,
				     facts->tls.why);
		return;
	}
}

/* the host that an address names, NULL when it names none; caller frees */
static char *
host_of(const char *url)
{
	g_autoptr(GUri) uri = url != NULL ? g_uri_parse(url, G_URI_FLAGS_NONE, NULL) : NULL;

	return uri != NULL ? g_strdup(g_uri_get_host(uri)) : NULL;
}

static void
judge_plain(const RescueReachFacts *facts, RescueFindings *report)
{
	g_autofree char *target = host_of(facts->plain.redirect);

	if (facts->plain.result == RESCUE_REACHED_UNASKED)
		return;
	if (facts->plain.result == RESCUE_REACHED_NOT && facts->tls.result == RESCUE_REACHED_YES)
		rescue_findings_find(report, RESCUE_FINDING_PLAIN_PORT_BLOCKED, "%s: %s",
				     facts->host, facts->plain.why);
	if (target != NULL && strcmp(target, facts->host) != 0 &&
	    !g_str_has_suffix(target, ".apple.com"))
		rescue_findings_find(report, RESCUE_FINDING_PORT_REDIRECTED, "%s sends to %s",
				     facts->host, target);
	else if (facts->plain.result == RESCUE_REACHED_YES)
		judge_clock(facts, &facts->plain, report);
}

static void
judge_portal(const RescueReachFacts *facts, RescueFindings *report)
{
	const char *body = facts->tls.body;
	g_autofree char *target = host_of(facts->tls.redirect);

	/* what a proxy says to a strange request is its own affair */
	if (facts->tls.result != RESCUE_REACHED_YES || facts->proxied)
		return;
	if (body != NULL && strstr(body, PORTAL_WORD) != NULL)
		rescue_findings_pass(report, "nobody answers in place of the internet");
	else
		rescue_findings_find(report, RESCUE_FINDING_CAPTIVE_PORTAL, "%s answers %s%s",
				     facts->host,
				     target != NULL ? "and sends to " : "with another page",
				     target != NULL ? target : "");
}

void
rescue_reach_judge(const RescueReachFacts *facts, RescueFindings *report)
{
	/* no finding of its own for a host that only serves as a probe */
	if (facts->endpoint.need == RESCUE_NEED_PORTAL) {
		judge_portal(facts, report);
		return;
	}
	if (!judge_name(facts, report))
		return;
	judge_connection(facts, report);
	judge_plain(facts, report);
}
