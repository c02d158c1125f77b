/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/reach/names.h"

#include <netdb.h>
#include <string.h>
#include <arpa/inet.h>

#include "core/base/path.h"

#define HOSTS_PATH "/etc/hosts"
#define MAX_BYTES           \
	((size_t)8 * 1024 * \
	 1024) /* filter lists in a hosts file have some hundred thousand lines */

struct RescueLookup {
	struct gaicb request;
	struct addrinfo hints;
	char *host;
	bool started;
};

static bool
names_host(const char *line, const char *host)
{
	g_auto(GStrv) words = g_strsplit_set(line, " \t\r", -1);
	bool address = true; /* the first word */

	for (unsigned i = 0; words[i] != NULL && words[i][0] != '#'; i++) {
		if (words[i][0] == '\0')
			continue;
		if (!address && g_ascii_strcasecmp(words[i], host) == 0)
			return true;
		address = false;
	}
	return false;
}

char *
rescue_hosts_find(const char *path, const char *text, const char *host)
{
	const char *end;
	unsigned number = 1;

	for (const char *line = text; line != NULL; line = end != NULL ? end + 1 : NULL, number++) {
		end = strchr(line, '\n');
		g_autofree char *copy = end != NULL ? g_strndup(line, (gsize)(end - line))
						    : g_strdup(line);
		g_autofree char *valid = g_utf8_make_valid(copy, -1);
		if (names_host(valid, host))
			return g_strdup_printf("%s, line %u: %s", path, number, g_strstrip(valid));
	}
	return NULL;
}

char *
rescue_hosts_look_up(const char *host)
{
	g_autofree char *text = rescue_path_read(HOSTS_PATH, MAX_BYTES, NULL, NULL);

	return text != NULL ? rescue_hosts_find(HOSTS_PATH, text, host) : NULL;
}

char *
rescue_resolv_read(const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (unsigned i = 0; lines[i] != NULL; i++) {
		g_auto(GStrv) words = g_strsplit_set(g_strstrip(lines[i]), " \t", -1);
		if (g_strcmp0(words[0], "nameserver") != 0)
			continue;
		for (unsigned k = 1; words[k] != NULL; k++) {
			if (words[k][0] != '\0')
				return g_strdup(words[k]);
		}
	}
	return NULL;
}

RescueLookup *
rescue_lookup_start(const char *host)
{
	RescueLookup *lookup = g_new0(RescueLookup, 1);
	struct gaicb *list[] = { &lookup->request };

	lookup->host = g_strdup(host);
	lookup->hints.ai_socktype = SOCK_STREAM;
	lookup->request.ar_name = lookup->host;
	lookup->request.ar_request = &lookup->hints;
	lookup->started = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL) == 0;
	return lookup;
}

static void
collect(const struct addrinfo *info, GPtrArray *addresses)
{
	for (; info != NULL; info = info->ai_next) {
		char text[NI_MAXHOST];
		if (getnameinfo(info->ai_addr, info->ai_addrlen, text, sizeof(text), NULL, 0,
				NI_NUMERICHOST) == 0)
			g_ptr_array_add(addresses, g_strdup(text));
	}
}

static void
lookup_free(RescueLookup *lookup)
{
	if (lookup->request.ar_result != NULL)
		freeaddrinfo(lookup->request.ar_result);
	g_free(lookup->host);
	g_free(lookup);
}

RescueNamed
rescue_lookup_finish(RescueLookup *lookup, unsigned ms, GPtrArray *addresses)
{
	const struct timespec wait = { .tv_sec = ms / 1000,
				       .tv_nsec = (long)(ms % 1000) * 1000000 };
	const struct gaicb *const list[] = { &lookup->request };
	int64_t until_us = g_get_monotonic_time() + (int64_t)ms * 1000;
	int rc = lookup->started ? gai_error(&lookup->request) : EAI_AGAIN;

	while (rc == EAI_INPROGRESS && g_get_monotonic_time() < until_us) {
		(void)gai_suspend(list, 1, &wait); /* what came of it is asked below */
		rc = gai_error(&lookup->request);
	}
	if (rc == EAI_INPROGRESS) {
		/* libc's thread still writes into it */
		if (gai_cancel(&lookup->request) == EAI_CANCELED)
			lookup_free(lookup);
		return RESCUE_NAMED_SILENT;
	}
	if (rc == 0)
		collect(lookup->request.ar_result, addresses);
	lookup_free(lookup);
	return rc == 0 ? RESCUE_NAMED_YES : rc == EAI_AGAIN ? RESCUE_NAMED_SILENT : RESCUE_NAMED_NO;
}
