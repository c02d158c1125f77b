/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/engine/arguments.h"

#include <string.h>

/* Where Apple's own servers answer; for a server that was named without a path. */
#define SIGNING_PATH "/TSS/controller?action=2"

#define LOOPBACK     "127.0.0.1,localhost"
#define LOOPBACK_URL "http://127.0.0.1:"

static void
add(GPtrArray *argv, const char *argument)
{
	g_ptr_array_add(argv, g_strdup(argument));
}

static char **
finish(GPtrArray *strings)
{
	g_ptr_array_add(strings, NULL);
	return (char **)g_ptr_array_free(strings, FALSE);
}

/** "http://host:1234" and "http://host:1234/" become a whole URL. */
static char *
signing_url(const char *server)
{
	const char *host = strstr(server, "://");
	const char *path = strchr(host != NULL ? host + strlen("://") : server, '/');
	size_t bare = path != NULL ? (size_t)(path - server) : strlen(server);

	if (path != NULL && path[1] != '\0')
		return g_strdup(server);
	return g_strdup_printf("%.*s%s", (int)bare, server, SIGNING_PATH);
}

static void
add_signing_server(GPtrArray *argv, const RescueArguments *arguments)
{
	if (arguments->signing_server == NULL)
		return;
	add(argv, "-s");
	if (arguments->generation->has_server)
		g_ptr_array_add(argv, signing_url(arguments->signing_server));
}

char **
rescue_arguments_make(const RescueArguments *arguments)
{
	GPtrArray *argv = g_ptr_array_new();
	char ecid[RESCUE_ECID_TEXT];

	if (arguments->stdbuf != NULL) {
		add(argv, arguments->stdbuf);
		add(argv, "-oL");
	}
	rescue_launch_add(&arguments->generation->launch, argv);
	add(argv, "--ecid");
	add(argv, rescue_ecid_format(arguments->job->ecid, ecid));
	add(argv, "-P"); /* progress as lines */
	add(argv, "-y"); /* nobody is there to answer */
	/* once: the newer generation tells the reason of a refused signature only then */
	add(argv, "-d");
	if (arguments->job->behavior == RESCUE_BEHAVIOR_ERASE)
		add(argv, "-e");
	if (arguments->job->ignore_baseband && rescue_generation_number(arguments->generation) > 1)
		add(argv, "--ignore-errors");
	if (arguments->only_ticket)
		add(argv, "-t");
	add(argv, "-C");
	add(argv, arguments->cache_dir);
	/* what would go to a log file of its own goes to stderr: one transcript, true order */
	if (arguments->generation->has_logfile)
		add(argv, "--logfile=-");
	add_signing_server(argv, arguments);
	add(argv, arguments->job->ipsw);
	return finish(argv);
}

/* a proxy of the station is not asked for what is on the station itself */
static void
add_no_proxy(GPtrArray *env, const RescueArguments *arguments)
{
	const char *old = arguments->no_proxy != NULL ? arguments->no_proxy : "";
	const char *comma = *old != '\0' ? "," : "";

	g_ptr_array_add(env, g_strdup_printf("no_proxy=%s%s" LOOPBACK, old, comma));
	g_ptr_array_add(env, g_strdup_printf("NO_PROXY=%s%s" LOOPBACK, old, comma));
}

/*
 * libirecovery 1.0.0 walks the list of USB devices after it has freed it; with any second device, and a root hub is
 * one,
 * it stumbles over what glibc's per-thread cache has written there. Without that cache the freed list stays readable.
 */
static void
add_libirecovery_cure(GPtrArray *env, const RescueArguments *arguments)
{
	const char *cure = "glibc.malloc.tcache_count=0";
	const char *old = arguments->glibc_tunables;
	bool has = old != NULL && *old != '\0';

	g_ptr_array_add(env, g_strdup_printf("GLIBC_TUNABLES=%s%s%s", has ? old : "",
					     has ? ":" : "", cure));
}

char **
rescue_arguments_environment(const RescueArguments *arguments)
{
	GPtrArray *env = g_ptr_array_new();

	/* what it unpacks outside of its cache shall be removed with it too */
	g_ptr_array_add(env, g_strdup_printf("TMPDIR=%s", arguments->cache_dir));
	if (arguments->signing_server != NULL && arguments->generation->has_server &&
	    g_str_has_prefix(arguments->signing_server, LOOPBACK_URL))
		add_no_proxy(env, arguments);
	if (arguments->signing_server != NULL && !arguments->generation->has_server) {
		g_ptr_array_add(env, g_strdup_printf("http_proxy=%s", arguments->signing_server));
		add(env, "no_proxy=");
		add(env, "NO_PROXY=");
	}
	if (!arguments->generation->has_logfile)
		add_libirecovery_cure(env, arguments);
	return finish(env);
}
