/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/engine/arguments.h"

#include <string.h>

/* Where Apple's own servers answer; for a server that was named without a path. */
#define SIGNING_PATH "/TSS/controller?action=2"

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
	add(argv, arguments->generation->program);
	add(argv, "--ecid");
	add(argv, rescue_ecid_format(arguments->job->ecid, ecid));
	add(argv, "-P"); /* progress as lines */
	add(argv, "-y"); /* nobody is there to answer */
	/* once: the newer generation tells the reason of a refused signature only then */
	add(argv, "-d");
	if (arguments->job->behavior == RESCUE_BEHAVIOR_ERASE)
		add(argv, "-e");
	add(argv, "-C");
	add(argv, arguments->cache_dir);
	/* what would go to a log file of its own goes to stderr: one transcript, true order */
	if (arguments->generation->has_logfile)
		add(argv, "--logfile=-");
	add_signing_server(argv, arguments);
	add(argv, arguments->job->ipsw);
	return finish(argv);
}

char **
rescue_arguments_environment(const RescueArguments *arguments)
{
	GPtrArray *env = g_ptr_array_new();

	/* what it unpacks outside of its cache shall be removed with it too */
	g_ptr_array_add(env, g_strdup_printf("TMPDIR=%s", arguments->cache_dir));
	if (arguments->signing_server != NULL && !arguments->generation->has_server) {
		g_ptr_array_add(env, g_strdup_printf("http_proxy=%s", arguments->signing_server));
		add(env, "no_proxy=");
		add(env, "NO_PROXY=");
	}
	return finish(env);
}
