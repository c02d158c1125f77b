/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/engine/engines.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/path.h"
#include "core/failure/failure.h"

#define CHOICE     "in-use"
#define MAX_CHOICE 1024u

void
rescue_engine_entry_free(RescueEngineEntry *entry)
{
	if (entry == NULL)
		return;
	g_free(entry->name);
	rescue_launch_clear(&entry->launch);
	rescue_generation_clear(&entry->generation);
	rescue_models_free(entry->models);
	rescue_installed_free(entry->installed);
	g_clear_error(&entry->trouble);
	g_free(entry);
}

void
rescue_engine_entry_refresh(RescueEngineEntry *entry)
{
	RescueGeneration *generation = &entry->generation;
	int64_t before_us = generation->modified_us;
	uint64_t size = generation->size;

	g_clear_error(&entry->trouble);
	if (!rescue_generation_look(generation, &entry->launch, &entry->trouble) ||
	    (generation->modified_us == before_us && generation->size == size))
		return;
	rescue_models_free(entry->models);
	entry->models = rescue_models_of(&generation->launch);
}

/** Takes `installed` over, which may be NULL. */
static RescueEngineEntry *
look_at(const char *name, const RescueLaunch *launch, RescueInstalled *installed)
{
	RescueEngineEntry *entry = g_new0(RescueEngineEntry, 1);

	entry->name = g_strdup(name);
	entry->installed = installed;
	rescue_launch_copy(&entry->launch, launch);
	rescue_engine_entry_refresh(entry);
	return entry;
}

RescueEngineEntry *
rescue_engines_look_at(const char *program)
{
	char *borrowed = (char *)program; /* copied at once */
	const RescueLaunch launch = { .program = borrowed };

	return look_at(program, &launch, NULL);
}

/** Like strcmp; what cannot be used comes last, and of equal ones that of the newer package first. */
static int
compare(const void *left, const void *right)
{
	const RescueEngineEntry *a = *(const RescueEngineEntry *const *)left;
	const RescueEngineEntry *b = *(const RescueEngineEntry *const *)right;
	int order;

	if (a->generation.version == NULL || b->generation.version == NULL)
		return (a->generation.version == NULL) - (b->generation.version == NULL);
	order = strverscmp(b->generation.version, a->generation.version);
	if (order != 0)
		return order;
	if (a->installed == NULL || b->installed == NULL)
		return (a->installed == NULL) - (b->installed == NULL);
	return strverscmp(b->installed->package_version, a->installed->package_version);
}

GPtrArray *
rescue_engines_list(const char *engines_dir)
{
	GPtrArray *entries = g_ptr_array_new_with_free_func(
	    (GDestroyNotify)rescue_engine_entry_free);
	g_autoptr(GPtrArray) installed = rescue_installed_list(engines_dir);
	const RescueLaunch system = { .program = NULL };

	g_ptr_array_add(entries, look_at(RESCUE_ENGINE_SYSTEM, &system, NULL));
	while (installed->len > 0) {
		RescueInstalled *one = g_ptr_array_steal_index(installed, installed->len - 1);
		g_auto(RescueLaunch) launch = { .program = NULL };
		rescue_installed_launch(one, &launch);
		g_ptr_array_add(entries, look_at(one->name, &launch, one));
	}
	g_ptr_array_sort(entries, compare);
	return entries;
}

static bool
is_called(const RescueEngineEntry *entry, const char *name)
{
	if (strcmp(entry->name, name) == 0)
		return true;
	return entry->installed != NULL && (strcmp(entry->installed->package_version, name) == 0 ||
					    strcmp(entry->installed->version, name) == 0);
}

RescueEngineEntry *
rescue_engines_find(const GPtrArray *entries, const char *name)
{
	for (guint i = 0; i < entries->len; i++) {
		RescueEngineEntry *entry = g_ptr_array_index(entries, i);
		if (is_called(entry, name))
			return entry;
	}
	return NULL;
}

static bool
serves(const RescueEngineEntry *entry, const char *product)
{
	return entry->trouble == NULL &&
	       (product == NULL || rescue_models_know(entry->models, product));
}

/** ", whose newest models are iPhone12,8 and iPad11,7": how far behind an engine is. Caller frees. */
static char *
describe_models(const RescueEngineEntry *entry)
{
	const char *phone = rescue_models_newest(entry->models, "iPhone");
	const char *tablet = rescue_models_newest(entry->models, "iPad");

	return g_strdup_printf("whose newest models are %s and %s",
			       phone != NULL ? phone : "no iPhone",
			       tablet != NULL ? tablet : "no iPad");
}

static void
refuse_model(const RescueEngineEntry *newest, const char *product, GError **error)
{
	g_autofree char *models = describe_models(newest);

	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_MODEL_UNKNOWN,
		    "no engine of this computer knows the model %s: the newest is idevicerestore "
		    "%s, %s; “idevicerescue engine install” brings a newer one",
		    product, newest->generation.version, models);
}

RescueEngineEntry *
rescue_engines_pick(const GPtrArray *entries, const char *product, GError **error)
{
	const RescueEngineEntry *first = g_ptr_array_index(entries, 0);

	for (guint i = 0; i < entries->len; i++) {
		RescueEngineEntry *entry = g_ptr_array_index(entries, i);
		if (serves(entry, product))
			return entry;
	}
	if (first->trouble != NULL)
		g_propagate_error(error, g_error_copy(first->trouble));
	else
		refuse_model(first, product, error);
	return NULL;
}

bool
rescue_engines_check(const RescueEngineEntry *entry, const GPtrArray *entries, const char *product,
		     GError **error)
{
	const RescueEngineEntry *better;

	if (serves(entry, product))
		return true;
	if (entry->trouble != NULL) {
		g_propagate_error(error, g_error_copy(entry->trouble));
		return false;
	}
	better = entries->len > 0 ? rescue_engines_pick(entries, product, NULL) : NULL;
	if (better == NULL) {
		refuse_model(entry, product, error);
		return false;
	}
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_ENGINE_TOO_OLD,
		    "the chosen engine, idevicerestore %s (%s), does not know the model %s; "
		    "%s does: “idevicerescue engine use auto” leaves the choice to the model",
		    entry->generation.version, entry->name, product, better->name);
	return false;
}

char *
rescue_engines_read_choice(const char *engines_dir)
{
	g_autofree char *path = NULL, *text = NULL;

	if (engines_dir == NULL)
		return g_strdup(RESCUE_ENGINE_AUTO);
	path = g_build_filename(engines_dir, CHOICE, NULL);
	text = rescue_path_read(path, MAX_CHOICE, NULL, NULL);
	if (text == NULL || *g_strstrip(text) == '\0' || !g_utf8_validate(text, -1, NULL))
		return g_strdup(RESCUE_ENGINE_AUTO);
	return g_steal_pointer(&text);
}

bool
rescue_engines_write_choice(const char *engines_dir, const char *name, GError **error)
{
	g_autofree char *path = g_build_filename(engines_dir, CHOICE, NULL);
	g_autofree char *line = g_strdup_printf("%s\n", name);

	return rescue_path_make_dir(engines_dir, error) &&
	       rescue_path_write(path, line, strlen(line), 0600, error);
}

static RescueJson *
models_to_json(const RescueModels *models)
{
	RescueJson *json = rescue_json_object_new();

	rescue_json_set_int(json, "count", rescue_models_count(models));
	rescue_json_set_string(json, "newest_iphone", rescue_models_newest(models, "iPhone"));
	rescue_json_set_string(json, "newest_ipad", rescue_models_newest(models, "iPad"));
	return json;
}

RescueJson *
rescue_engine_entry_to_json(const RescueEngineEntry *entry)
{
	const RescueGeneration *generation = &entry->generation;
	RescueJson *json = rescue_json_object_new();

	rescue_json_set_string(json, "name", entry->name);
	rescue_json_set_string(json, "version", generation->version);
	rescue_json_set_string(json, "path", generation->launch.program);
	if (generation->version != NULL) {
		rescue_json_set_string(json, "dialect",
				       rescue_dialect_name(rescue_generation_dialect(generation)));
		rescue_json_set_int(json, "generation", rescue_generation_number(generation));
	}
	if (entry->models != NULL)
		rescue_json_take(json, "models", models_to_json(entry->models));
	if (entry->trouble != NULL)
		rescue_json_set_string(json, "trouble", entry->trouble->message);
	if (entry->installed != NULL)
		rescue_json_take(json, "installed", rescue_installed_to_json(entry->installed));
	return json;
}
