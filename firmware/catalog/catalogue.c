/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/catalog/catalogue.h"

#include <string.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "core/process/process.h"
#include "firmware/catalog/read.h"

#define DEADLINE_MS 60000u /* its own budget, and that of another child it waits for */

struct RescueCatalogue {
	char *program, *cache_dir, *base_url;
	bool refresh;
};

/* ---- answers ---------------------------------------------------------------------------------- */

void
rescue_catalogue_answer_free(RescueCatalogueAnswer *answer)
{
	if (answer == NULL)
		return;
	g_free(answer->product);
	g_clear_pointer(&answer->releases, g_ptr_array_unref);
	g_free(answer->trouble);
	g_free(answer);
}

RescueJson *
rescue_catalogue_answer_to_json(const RescueCatalogueAnswer *answer)
{
	RescueJson *json = rescue_json_object_new(), *releases = rescue_json_array_new();

	rescue_json_set_int(json, "v", 1);
	rescue_json_set_string(json, "product", answer->product);
	rescue_json_set_int(json, "asked_us", answer->asked_us);
	rescue_json_set_bool(json, "fresh", answer->fresh);
	rescue_json_set_string(json, "trouble", answer->trouble);
	for (guint i = 0; i < answer->releases->len; i++)
		rescue_json_append_take(releases,
					rescue_release_to_json(answer->releases->pdata[i]));
	rescue_json_take(json, "releases", releases);
	return json;
}

RescueCatalogueAnswer *
rescue_catalogue_answer_from_json(const RescueJson *json)
{
	const RescueJson *list = rescue_json_get(json, "releases");
	const char *product = rescue_json_get_string(json, "product");
	RescueCatalogueAnswer *answer;

	if (list == NULL || !rescue_product_is_valid(product))
		return NULL;
	answer = g_new0(RescueCatalogueAnswer, 1);
	answer->product = g_strdup(product);
	answer->releases = rescue_catalogue_new_list();
	(void)rescue_json_get_int(json, "asked_us", &answer->asked_us);
	answer->fresh = rescue_json_get_bool(json, "fresh", false);
	answer->trouble = g_strdup(rescue_json_get_string(json, "trouble"));
	for (size_t i = 0; i < MIN(rescue_json_length(list), RESCUE_CATALOGUE_MAX_RELEASES); i++) {
		RescueRelease *release = rescue_release_from_json(rescue_json_at(list, i));
		if (release != NULL && strcmp(release->product, product) == 0)
			g_ptr_array_add(answer->releases, release);
		else
			rescue_release_free(release);
	}
	return answer;
}

/* a line of a child may be cut beyond 64 KiB, and there are hundreds of releases */
char *
rescue_catalogue_answer_to_lines(const RescueCatalogueAnswer *answer)
{
	RescueCatalogueAnswer head = *answer;
	g_autoptr(RescueJson) json = NULL;
	g_autofree char *first = NULL;
	GString *text;

	head.releases = g_ptr_array_new();
	json = rescue_catalogue_answer_to_json(&head);
	g_ptr_array_unref(head.releases);
	first = rescue_json_dump(json);
	text = g_string_new(first);
	for (guint i = 0; i < answer->releases->len; i++) {
		g_autoptr(RescueJson) one = rescue_release_to_json(answer->releases->pdata[i]);
		g_autofree char *line = rescue_json_dump(one);
		g_string_append_printf(text, "\n%s", line);
	}
	g_string_append_c(text, '\n');
	return g_string_free(text, FALSE);
}

static void
add_line(RescueCatalogueAnswer *answer, const char *line)
{
	g_autoptr(RescueJson) json = rescue_json_parse(line, strlen(line), NULL);
	RescueRelease *release = json != NULL ? rescue_release_from_json(json) : NULL;

	if (release != NULL && strcmp(release->product, answer->product) == 0 &&
	    answer->releases->len < RESCUE_CATALOGUE_MAX_RELEASES)
		g_ptr_array_add(answer->releases, release);
	else
		rescue_release_free(release);
}

/* ---- the port --------------------------------------------------------------------------------- */

RescueCatalogue *
rescue_catalogue_new(const char *program, const RescueCatalogueSpec *spec)
{
	RescueCatalogue *catalogue = g_new0(RescueCatalogue, 1);

	catalogue->program = g_strdup(program);
	catalogue->cache_dir = g_strdup(spec->cache_dir);
	catalogue->base_url = g_strdup(spec->base_url);
	catalogue->refresh = spec->refresh;
	return catalogue;
}

void
rescue_catalogue_free(RescueCatalogue *catalogue)
{
	if (catalogue == NULL)
		return;
	g_free(catalogue->program);
	g_free(catalogue->cache_dir);
	g_free(catalogue->base_url);
	g_free(catalogue);
}

/* {"error": {"failure", "text"}}, as every command answers with --json */
static void
pass_error(const RescueJson *json, GError **error)
{
	const RescueJson *said = rescue_json_get(json, "error");
	const char *text = said != NULL ? rescue_json_get_string(said, "text") : NULL;
	RescueFailure failure = RESCUE_FAILURE_INTERNAL;

	if (said != NULL)
		(void)rescue_failure_parse(rescue_json_get_string(said, "failure"), &failure);
	g_set_error_literal(error, RESCUE_ERROR, (int)failure,
			    text != NULL ? text : "the catalogue's reader gave no answer");
}

static RescueCatalogueAnswer *
read_output(const RescueProcessResult *result, const char *product, GError **error)
{
	g_autoptr(RescueJson) json = NULL;
	g_autoptr(RescueCatalogueAnswer) answer = NULL;
	g_auto(GStrv) lines = g_strsplit(result->output != NULL ? result->output : "", "\n", -1);

	if (!result->timed_out && result->signal == 0 && lines[0] != NULL)
		json = rescue_json_parse(lines[0], strlen(lines[0]), NULL);
	if (json == NULL) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_CATALOGUE_UNREACHABLE,
			    "the catalogue's reader %s",
			    result->timed_out ? "took too long" : "ended without an answer");
		return NULL;
	}
	answer = rescue_catalogue_answer_from_json(json);
	if (answer == NULL || strcmp(answer->product, product) != 0) {
		pass_error(json, error);
		return NULL;
	}
	for (char **line = lines + 1; *line != NULL; line++)
		if (**line != '\0')
			add_line(answer, *line);
	return g_steal_pointer(&answer);
}

RescueCatalogueAnswer *
rescue_catalogue_consult(const RescueCatalogue *catalogue, const char *product, GError **error)
{
	const char *argv[] = { catalogue->program,
			       "--json",
			       "--cache",
			       catalogue->cache_dir,
			       "firmware",
			       "list",
			       "--worker",
			       product,
			       catalogue->refresh ? "--refresh" : "--verbose",
			       catalogue->base_url != NULL ? "--catalog-url" : NULL,
			       catalogue->base_url,
			       NULL };
	const RescueProcessSpec spec = { .argv = argv, .inherit_fd = -1 };
	g_auto(RescueProcessResult) result = { 0 };

	if (!rescue_product_is_valid(product)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "‘%s’ is no product such as iPhone10,3", product);
		return NULL;
	}
	if (!rescue_process_insist(&spec, DEADLINE_MS, &result, error))
		return NULL;
	return read_output(&result, product, error);
}

static GPtrArray *
list(void *self, const char *product, GError **error)
{
	g_autoptr(RescueCatalogueAnswer) answer = rescue_catalogue_consult(self, product, error);

	return answer != NULL ? g_ptr_array_ref(answer->releases) : NULL;
}

const RescueCataloguePort rescue_catalogue_port = {
	.list = list,
};
