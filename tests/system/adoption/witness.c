/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/system/adoption/witness.h"

#include <string.h>

#include "core/base/json.h"

struct Witness {
	char *path;
	size_t read_bytes;
	GPtrArray *steps;               /* names, in order */
	guint found;                    /* steps up to here have been asked for */
	GHashTable *engines, *flashing; /* pids */
	pid_t engine;
	unsigned erased;
};

Witness *
witness_new(const char *path)
{
	Witness *witness = g_new0(Witness, 1);

	witness->path = g_strdup(path);
	witness->steps = g_ptr_array_new_with_free_func(g_free);
	witness->engines = g_hash_table_new(NULL, NULL);
	witness->flashing = g_hash_table_new(NULL, NULL);
	return witness;
}

void
witness_free(Witness *witness)
{
	if (witness == NULL)
		return;
	g_ptr_array_unref(witness->steps);
	g_hash_table_unref(witness->engines);
	g_hash_table_unref(witness->flashing);
	g_free(witness->path);
	g_free(witness);
}

static pid_t
pid_of(const RescueJson *event)
{
	int64_t pid = 0;

	(void)rescue_json_get_int(event, "pid", &pid);
	return (pid_t)pid;
}

static void
take_step(Witness *witness, const RescueJson *event)
{
	static const char *const flashing[] = { "nor", "firmware-updates", "baseband", "finish",
						NULL };
	const char *name = rescue_json_get_string(event, "name");

	g_ptr_array_add(witness->steps, g_strdup(name));
	if (name != NULL && g_strv_contains(flashing, name))
		g_hash_table_add(witness->flashing, GINT_TO_POINTER(pid_of(event)));
}

static void
take_visitor(Witness *witness, const RescueJson *event)
{
	if (g_strcmp0(rescue_json_get_string(event, "comm"), "idevicerestore") != 0)
		return;
	witness->engine = pid_of(event);
	g_hash_table_add(witness->engines, GINT_TO_POINTER(witness->engine));
}

static void
take_event(Witness *witness, const RescueJson *event)
{
	const char *name = rescue_json_get_string(event, "event");

	if (g_strcmp0(name, "step") == 0)
		take_step(witness, event);
	else if (g_strcmp0(name, "open") == 0 || g_strcmp0(name, "session") == 0)
		take_visitor(witness, event);
	else if (g_strcmp0(name, "erased") == 0)
		witness->erased++;
}

void
witness_read(Witness *witness)
{
	g_autofree char *content = NULL;
	gsize size = 0;

	if (!g_file_get_contents(witness->path, &content, &size, NULL))
		return;
	const char *line = content + MIN(witness->read_bytes, size);
	for (const char *end = strchr(line, '\n'); end != NULL; end = strchr(line, '\n')) {
		g_autoptr(RescueJson) event = rescue_json_parse(line, (size_t)(end - line), NULL);
		if (event != NULL)
			take_event(witness, event);
		line = end + 1;
	}
	witness->read_bytes = (size_t)(line - content);
}

bool
witness_find_step(Witness *witness, const char *name)
{
	for (guint i = witness->found; i < witness->steps->len; i++) {
		if (g_strcmp0(witness->steps->pdata[i], name) != 0)
			continue;
		witness->found = i + 1;
		return true;
	}
	return false;
}

pid_t
witness_engine(const Witness *witness)
{
	return witness->engine;
}

unsigned
witness_engines(const Witness *witness)
{
	return g_hash_table_size(witness->engines);
}

unsigned
witness_flashing_engines(const Witness *witness)
{
	return g_hash_table_size(witness->flashing);
}

unsigned
witness_erased(const Witness *witness)
{
	return witness->erased;
}
