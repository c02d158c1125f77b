/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "cli/commands/firmware.h"
#include "cli/common/depot.h"
#include "cli/common/output.h"
#include "cli/common/worker.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/parse.h"
#include "core/failure/failure.h"
#include "firmware/fetch/image.h"

/* What is kept here, and what there is elsewhere. */

#define OLDER_MS (INT64_C(7) * 24 * 3600 * 1000)

static const char *const here_titles[] = { "NAME", "VERSION", "SIZE", "LAST USED", "STATE", NULL };
static const char *const there_titles[] = { "VERSION", "BUILD", "SIZE", "SIGNED", "HERE", NULL };

/* ---- list ------------------------------------------------------------------------------------- */

static const char *
tell_state(const RescueStored *stored)
{
	if (stored->damaged)
		return "damaged";
	if (stored->in_use)
		return "in use";
	return stored->proven ? "whole" : "not checked since the last start";
}

static RescueJson *
stored_to_json(const RescueStored *stored)
{
	RescueJson *json = rescue_release_to_json(stored->release);
	g_autofree char *name = rescue_release_name(stored->release);
	g_autofree char *used = stored->used_us > 0 ? rescue_clock_format(stored->used_us) : NULL;

	rescue_json_set_string(json, "name", name);
	rescue_json_set_string(json, "path", stored->path);
	rescue_json_set_int(json, "size", (int64_t)stored->size_bytes);
	rescue_json_set_string(json, "used", used);
	rescue_json_set_bool(json, "in_use", stored->in_use);
	rescue_json_set_bool(json, "proven", stored->proven);
	rescue_json_set_bool(json, "damaged", stored->damaged);
	return json;
}

static RescueJson *
images_to_json(const GPtrArray *images)
{
	RescueJson *array = rescue_json_array_new();

	for (guint i = 0; i < images->len; i++) {
		const RescueImage *image = g_ptr_array_index(images, i);
		RescueJson *json = rescue_json_object_new();
		g_autofree char *used = image->used_us > 0 ? rescue_clock_format(image->used_us)
							   : NULL;
		rescue_json_set_string(json, "path", image->path);
		rescue_json_set_string(json, "source", image->source);
		rescue_json_set_string(json, "image", image->member);
		rescue_json_set_int(json, "size", (int64_t)image->size_bytes);
		rescue_json_set_string(json, "used", used);
		rescue_json_set_bool(json, "in_use", image->in_use);
		rescue_json_set_bool(json, "proven", image->proven);
		rescue_json_set_bool(json, "orphaned", image->orphaned);
		rescue_json_append_take(array, json);
	}
	return array;
}

/* `images` is borrowed; NULL: they are not asked for */
static int
print_array(const char *key, RescueJson *array, const GPtrArray *images)
{
	g_autoptr(RescueJson) json = rescue_json_object_new();

	rescue_json_set_int(json, "v", 1);
	rescue_json_take(json, key, array);
	if (images != NULL)
		rescue_json_take(json, "images", images_to_json(images));
	return rescue_print_json(json) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
}

static int
print_stored_json(const GPtrArray *stored, const GPtrArray *images)
{
	RescueJson *array = rescue_json_array_new();

	for (guint i = 0; i < stored->len; i++)
		rescue_json_append_take(array, stored_to_json(stored->pdata[i]));
	return print_array("firmware", array, images);
}

static const char *
tell_image_state(const RescueImage *image)
{
	if (image->in_use)
		return "in use";
	if (image->orphaned)
		return "of a file that is gone";
	return image->proven ? "whole" : "not checked since the last start";
}

/* what the archive of an image is called: by its release, when it is kept here too; caller frees */
static char *
name_image(const RescueImage *image, const GPtrArray *stored)
{
	for (guint i = 0; i < stored->len; i++) {
		const RescueStored *one = g_ptr_array_index(stored, i);
		if (strcmp(one->path, image->source) == 0)
			return rescue_release_name(one->release);
	}
	return g_path_get_basename(image->source);
}

static void
add_images(RescueTable *table, const GPtrArray *images, const GPtrArray *stored)
{
	for (guint i = 0; i < images->len; i++) {
		const RescueImage *image = g_ptr_array_index(images, i);
		g_autofree char *name = name_image(image, stored);
		g_autofree char *size = rescue_format_size(image->size_bytes);
		g_autofree char *used = image->used_us > 0 ? rescue_clock_format(image->used_us)
							   : NULL;
		const char *const cells[] = { name, "unpacked", size, used,
					      tell_image_state(image) };
		rescue_table_add(table, cells);
	}
}

static void
add_stored(RescueTable *table, const GPtrArray *stored)
{
	for (guint i = 0; i < stored->len; i++) {
		const RescueStored *one = g_ptr_array_index(stored, i);
		g_autofree char *name = rescue_release_name(one->release);
		g_autofree char *size = rescue_format_size(one->size_bytes);
		g_autofree char *used = one->used_us > 0 ? rescue_clock_format(one->used_us) : NULL;
		const char *const cells[] = { name, one->release->version, size, used,
					      tell_state(one) };
		rescue_table_add(table, cells);
	}
}

static int
list_here(const RescueCli *cli)
{
	GError *error = NULL;
	g_autoptr(RescueDepot) depot = rescue_cli_open_depot(cli, &error);
	g_autoptr(GPtrArray) stored = depot != NULL ? rescue_depot_list(depot) : NULL;
	g_autoptr(GPtrArray) images = depot != NULL ? rescue_depot_images(depot) : NULL;
	g_autoptr(RescueTable) table = rescue_table_new(here_titles);
	g_autofree char *text = NULL;

	if (depot == NULL)
		return rescue_fail(cli, error);
	if (cli->json)
		return print_stored_json(stored, images);
	if (stored->len + images->len == 0) {
		rescue_say(cli, "no firmware is kept in %s", rescue_depot_dir(depot));
		return RESCUE_EXIT_FINE;
	}
	add_stored(table, stored);
	add_images(table, images, stored);
	text = rescue_table_format(table);
	return rescue_print(text) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
}

static const char *
tell_signed(const RescueRelease *release)
{
	static const char *const words[] = {
		[RESCUE_SIGNED_UNKNOWN] = "?",
		[RESCUE_SIGNED_NO] = "no",
		[RESCUE_SIGNED_YES] = "yes",
	};

	return words[release->is_signed];
}

static int
print_answer(const RescueCli *cli, const RescueCatalogueAnswer *answer, const RescueDepot *depot,
	     bool beta)
{
	g_autoptr(RescueTable) table = rescue_table_new(there_titles);
	g_autofree char *text = NULL;

	if (!answer->fresh) {
		g_autofree char *when = rescue_clock_format(answer->asked_us);
		rescue_say(cli, "the catalogues do not answer (%s); this is what they said at %s",
			   answer->trouble, when);
	}
	for (guint i = 0; i < answer->releases->len; i++) {
		const RescueRelease *one = answer->releases->pdata[i];
		g_autoptr(RescueStored) here = rescue_depot_find(depot, one);
		g_autofree char *size = one->size_bytes > 0 ? rescue_format_size(one->size_bytes)
							    : NULL;
		const char *const cells[] = { one->version, one->build, size, tell_signed(one),
					      here != NULL ? "yes" : NULL };
		if (beta || !one->beta)
			rescue_table_add(table, cells);
	}
	text = rescue_table_format(table);
	return rescue_print(text) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
}

static int
list_there(const RescueCli *cli, const RescueFirmwareOptions *options)
{
	GError *error = NULL;
	g_autoptr(RescueCatalogue) catalogue = rescue_cli_new_catalogue(cli, options->refresh);
	g_autoptr(RescueCatalogueAnswer) answer = NULL;
	g_autoptr(RescueDepot) depot = rescue_cli_open_depot(cli, &error);

	if (depot != NULL)
		answer = rescue_catalogue_consult(catalogue, options->arguments[0], &error);
	if (answer == NULL)
		return rescue_fail(cli, error);
	if (cli->json) {
		g_autoptr(RescueJson) json = rescue_catalogue_answer_to_json(answer);
		return rescue_print_json(json) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
	}
	return print_answer(cli, answer, depot, options->beta);
}

int
rescue_firmware_list(const RescueCli *cli, const RescueFirmwareOptions *options)
{
	if (options->arguments[0] == NULL)
		return list_here(cli);
	if (options->arguments[1] != NULL)
		return rescue_fail_usage(cli, "firmware list: ‘%s’ is one argument too many",
					 options->arguments[1]);
	return list_there(cli, options);
}

int
rescue_firmware_list_worker(const RescueCli *cli, const RescueFirmwareOptions *options)
{
	const RescueCatalogueSpec spec = { .cache_dir = cli->cache_dir,
					   .base_url = cli->catalog_url,
					   .refresh = options->refresh };
	GError *error = NULL;
	g_autoptr(RescueCatalogueAnswer) answer = NULL;
	g_autofree char *text = NULL;

	if (!rescue_product_is_valid(options->arguments[0]))
		return rescue_fail_usage(cli, "firmware list: name a PRODUCT such as iPhone10,3");
	if (rescue_worker_confine_online(false, &error))
		answer = rescue_catalogue_ask(&spec, options->arguments[0], &error);
	if (answer == NULL)
		return rescue_fail(cli, error);
	text = rescue_catalogue_answer_to_lines(answer);
	return rescue_print(text) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
}

/* ---- verify ----------------------------------------------------------------------------------- */

static bool
is_named(const RescueStored *stored, char *const *names)
{
	g_autofree char *name = rescue_release_name(stored->release);

	return names[0] == NULL || g_strv_contains((const char *const *)names, name) ||
	       g_strv_contains((const char *const *)names, stored->release->sha256);
}

/* the first problem decides the exit status; all are told */
static int
verify_one(const RescueCli *cli, const RescueDepot *depot, RescueStored *stored)
{
	g_autofree char *name = rescue_release_name(stored->release);
	g_autoptr(GError) error = NULL;

	if (rescue_depot_verify(depot, stored, &error)) {
		rescue_say(cli, "%s: whole", name);
		return RESCUE_EXIT_FINE;
	}
	rescue_say(cli, "%s: %s", name, error->message);
	return rescue_failure_exit_status((RescueFailure)rescue_error_failure(error));
}

int
rescue_firmware_verify(const RescueCli *cli, const RescueFirmwareOptions *options)
{
	GError *error = NULL;
	g_autoptr(RescueDepot) depot = rescue_cli_open_depot(cli, &error);
	g_autoptr(GPtrArray) all = depot != NULL ? rescue_depot_list(depot) : NULL;
	RescueJson *array;
	unsigned count = 0;
	int status = RESCUE_EXIT_FINE;

	if (depot == NULL)
		return rescue_fail(cli, error);
	array = rescue_json_array_new();
	for (guint i = 0; i < all->len; i++) {
		int one;
		if (!is_named(all->pdata[i], options->arguments))
			continue;
		one = verify_one(cli, depot, all->pdata[i]);
		status = status == RESCUE_EXIT_FINE ? one : status;
		rescue_json_append_take(array, stored_to_json(all->pdata[i]));
		count++;
	}
	if (count == 0 && options->arguments[0] != NULL) {
		rescue_json_free(array);
		return rescue_fail_usage(cli, "firmware verify: no firmware ‘%s’ is kept here",
					 options->arguments[0]);
	}
	if (cli->json)
		(void)print_array("firmware", array, NULL);
	else
		rescue_json_free(array);
	return status;
}

/* ---- prune ------------------------------------------------------------------------------------ */

int
rescue_firmware_prune(const RescueCli *cli, const RescueFirmwareOptions *options)
{
	GError *error = NULL;
	g_autoptr(RescueDepot) depot = NULL;
	g_autofree char *text = NULL;
	int64_t older_ms = OLDER_MS;
	uint64_t freed;

	if (options->older != NULL && !rescue_parse_duration(options->older, &older_ms, &error)) {
		g_prefix_error(&error, "--older: ");
		return rescue_fail(cli, error);
	}
	depot = rescue_cli_open_depot(cli, &error);
	if (depot == NULL)
		return rescue_fail(cli, error);
	freed = rescue_depot_evict(depot, rescue_cli_size(cli->cache_limit), 0) +
		rescue_depot_sweep(depot, older_ms * 1000);
	if (cli->json) {
		g_autoptr(RescueJson) json = rescue_json_object_new();
		rescue_json_set_int(json, "v", 1);
		rescue_json_set_int(json, "freed", (int64_t)freed);
		return rescue_print_json(json) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
	}
	text = rescue_format_size(freed);
	rescue_say(cli, "%s freed in %s", text, rescue_depot_dir(depot));
	return RESCUE_EXIT_FINE;
}
