/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/config.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/path.h"

#define SECTION "[idevicerescue]"

/** One key of the file and the option that it stands for. */
typedef struct {
	const char *name;
	size_t offset; /* of a char * in RescueCli */
} Key;

static const Key keys[] = {
	{ "state", offsetof(RescueCli, state_dir) },
	{ "cache", offsetof(RescueCli, cache_dir) },
	{ "engine", offsetof(RescueCli, engine) },
	{ "signing-server", offsetof(RescueCli, signing_server) },
	{ "catalog-url", offsetof(RescueCli, catalog_url) },
	{ "mirror", offsetof(RescueCli, mirror) },
	{ "limit-rate", offsetof(RescueCli, limit_rate) },
	{ "cache-limit", offsetof(RescueCli, cache_limit) },
	{ "ca-file", offsetof(RescueCli, ca_file) },
	{ "restart-usbmuxd", offsetof(RescueCli, restart_usbmuxd) },
	{ "station", offsetof(RescueCli, station) },
	{ "retention", offsetof(RescueCli, retention) },
};

/** Where in the text we are. */
typedef struct {
	const char *name;
	unsigned line;
	bool in_section;
	bool seen[G_N_ELEMENTS(keys)];
} Reader;

static bool
refuse(const Reader *reader, GError **error, const char *what, const char *text)
{
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT, "%s, line %u: %s ‘%s’",
		    reader->name, reader->line, what, text);
	return false;
}

static bool
set_key(RescueCli *cli, Reader *reader, const char *name, const char *value, GError **error)
{
	size_t i;
	char **target;

	for (i = 0; i < G_N_ELEMENTS(keys) && strcmp(keys[i].name, name) != 0; i++)
		;
	if (i == G_N_ELEMENTS(keys))
		return refuse(reader, error, "unknown key", name);
	if (reader->seen[i])
		return refuse(reader, error, "this key was there before:", name);
	if (*value == '\0')
		return refuse(reader, error, "no value for", name);
	reader->seen[i] = true;
	target = (char **)(void *)((char *)cli + keys[i].offset);
	if (*target == NULL)
		*target = g_strdup(value);
	return true;
}

static bool
read_line(RescueCli *cli, Reader *reader, char *line, GError **error)
{
	char *equals;

	g_strstrip(line);
	if (*line == '\0' || *line == '#')
		return true;
	if (*line == '[') {
		if (strcmp(line, SECTION) != 0 || reader->in_section)
			return refuse(reader, error, "unknown or repeated section", line);
		reader->in_section = true;
		return true;
	}
	equals = strchr(line, '=');
	if (!reader->in_section || equals == NULL)
		return refuse(reader, error, "neither " SECTION " nor key = value:", line);
	*equals = '\0';
	return set_key(cli, reader, g_strchomp(line), g_strchug(equals + 1), error);
}

bool
rescue_cli_config_apply(RescueCli *cli, const char *name, const char *text, size_t size,
			GError **error)
{
	g_auto(GStrv) lines = NULL;
	Reader reader = { .name = name };
	unsigned i;

	if (!g_utf8_validate(text, (gssize)size, NULL)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT, "%s is not a text file",
			    name);
		return false;
	}
	lines = g_strsplit(text, "\n", -1);
	for (i = 0; lines[i] != NULL; i++) {
		reader.line = i + 1;
		if (!read_line(cli, &reader, lines[i], error))
			return false;
	}
	return true;
}

/* beside the file that names it */
static void
place_station(RescueCli *cli, const char *path)
{
	g_autofree char *dir = g_path_get_dirname(path);
	g_autofree char *given = cli->station;

	cli->station = given != NULL ? g_canonicalize_filename(given, dir) : NULL;
}

bool
rescue_cli_config_load(RescueCli *cli, const char *path, GError **error)
{
	size_t size;
	g_autofree char *text = rescue_path_read(path, RESCUE_CLI_CONFIG_MAX_BYTES, &size, error);

	if (text == NULL || !rescue_cli_config_apply(cli, path, text, size, error))
		return false;
	place_station(cli, path);
	return true;
}
