/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/model/port.h"

#include <glib.h>
#include <string.h>

/* "1-2." of "1-2.4": what the names of all ports behind its hub begin with; NULL on a port of the computer itself */
static char *
hub_prefix(const char *port)
{
	const char *dot = port != NULL ? strrchr(port, '.') : NULL;

	return dot != NULL ? g_strndup(port, (gsize)(dot - port) + 1) : NULL;
}

RescuePortMove
rescue_port_move(const char *from, const char *to)
{
	g_autofree char *hub = hub_prefix(from);

	if (to == NULL || g_strcmp0(from, to) == 0)
		return RESCUE_MOVE_NONE;
	return hub != NULL && g_str_has_prefix(to, hub) ? RESCUE_MOVE_WITHIN_HUB
							: RESCUE_MOVE_ELSEWHERE;
}

bool
rescue_port_is_behind_hub(const char *port)
{
	return port != NULL && strchr(port, '.') != NULL;
}

static bool
is_name(const char *port)
{
	return port != NULL &&
	       g_regex_match_simple("^[1-9][0-9]{0,2}-[1-9][0-9]{0,2}(\\.[1-9][0-9]{0,2}){0,6}$",
				    port, 0, 0);
}

unsigned
rescue_port_bus(const char *port)
{
	guint64 bus = 0;
	g_autofree char *number = is_name(port) ? g_strndup(port, strcspn(port, "-")) : NULL;

	return number != NULL && g_ascii_string_to_unsigned(number, 10, 1, G_MAXUINT, &bus, NULL)
		   ? (unsigned)bus
		   : 0;
}

char *
rescue_port_in_words(const char *port)
{
	g_auto(GStrv) parts = is_name(port) ? g_strsplit_set(port, "-.", -1) : NULL;
	GString *words;

	if (parts == NULL)
		return g_strdup(port);
	words = g_string_new(NULL);
	for (guint i = g_strv_length(parts) - 1; i > 0; i--)
		g_string_append_printf(words, "port %s of %s", parts[i],
				       i > 1 ? "the hub on " : "bus ");
	g_string_append(words, parts[0]);
	return g_string_free(words, FALSE);
}
