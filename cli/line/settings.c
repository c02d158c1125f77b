/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/settings.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/parse.h"
#include "core/base/text.h"

#define MAX_PORT 65535u

RescueLineConfig *
rescue_line_settings_load(const RescueLineRun *run, GError **error)
{
	g_autoptr(RescueLineConfig) config = run->conf != NULL
						 ? rescue_line_config_load(run->conf, error)
						 : rescue_line_config_new();

	if (config == NULL)
		return NULL;
	if (run->name != NULL)
		rescue_set_string(&config->name, run->name);
	if (run->station != NULL)
		rescue_set_string(&config->station, run->station);
	if (run->rules != NULL)
		rescue_set_string(&config->rules, run->rules);
	if (run->listen != NULL)
		rescue_set_string(&config->listen, run->listen);
	if (config->station != NULL)
		return g_steal_pointer(&config);
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
		    "line run: say --station FILE, or --conf FILE that names it");
	return NULL;
}

/* "127.0.0.1:8470", "[::1]:8470" */
static bool
split(const char *listen, char **ret_address, unsigned *ret_port, GError **error)
{
	const char *colon = strrchr(listen, ':');
	uint64_t port = 0;
	g_autofree char *address = colon != NULL ? g_strndup(listen, (size_t)(colon - listen))
						 : NULL;
	size_t size = address != NULL ? strlen(address) : 0;

	if (size == 0 || !rescue_parse_uint(colon + 1, 0, MAX_PORT, &port, NULL)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "listen: ‘%s’ is no address and port, like 127.0.0.1:8470 or "
			    "[::1]:8470, nor ‘none’",
			    listen);
		return false;
	}
	if (size > 1 && address[0] == '[' && address[size - 1] == ']')
		*ret_address = g_strndup(address + 1, size - 2);
	else
		*ret_address = g_steal_pointer(&address);
	*ret_port = (unsigned)port;
	return true;
}

bool
rescue_line_settings_listen(const RescueLineConfig *config, RescueLineServerOptions *ret_options,
			    char **ret_owned, GError **error)
{
	ret_options->certificate = config->certificate;
	ret_options->key = config->key;
	ret_options->tokens = config->tokens;
	ret_options->hosts = (const char *const *)config->hosts;
	if (strcmp(config->listen, RESCUE_LINE_LISTEN_NONE) == 0)
		return true;
	if (!split(config->listen, ret_owned, &ret_options->port, error))
		return false;
	ret_options->address = *ret_owned;
	return true;
}
