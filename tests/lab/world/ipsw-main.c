/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <stdio.h>
#include <string.h>

#include "tests/lab/scenario/parser.h"
#include "tests/lab/world/ipsw.h"

/* idevicerescue-lab-ipsw: writes one synthetic firmware file. */

typedef struct {
	char *model, *version, *build, *manifest, *os_image, *damage;
	gboolean deflated;
	char **rest;
} Options;

static bool
fail(const char *message)
{
	fprintf(stderr, "idevicerescue-lab-ipsw: %s\n", message);
	return false;
}

static bool
read_options(Options *options, int *argc, char ***argv)
{
	const GOptionEntry entries[] = {
		{ "model", 'm', 0, G_OPTION_ARG_STRING, &options->model,
		  "model, such as iPhone10,3", "TYPE" },
		{ "version", 'v', 0, G_OPTION_ARG_STRING, &options->version, "such as 15.0",
		  "VERSION" },
		{ "build", 'b', 0, G_OPTION_ARG_STRING, &options->build, "such as 19A346",
		  "BUILD" },
		{ "manifest", 0, 0, G_OPTION_ARG_FILENAME, &options->manifest,
		  "a real BuildManifest.plist", "FILE" },
		{ "os-image", 0, 0, G_OPTION_ARG_STRING, &options->os_image, "size of the OS image",
		  "\"4 MB\"" },
		{ "deflated", 0, 0, G_OPTION_ARG_NONE, &options->deflated, "pack the OS image",
		  NULL },
		{ "damage", 0, 0, G_OPTION_ARG_STRING, &options->damage, "as in a scenario",
		  "\"truncate 50\"" },
		{ G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->rest, NULL,
		  "OUTPUT" },
		{ NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
	};
	g_autoptr(GOptionContext)
	    context = g_option_context_new("- write a synthetic firmware file");
	g_autoptr(GError) error = NULL;
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, argc, argv, &error))
		return fail(error->message);
	if (options->rest == NULL || g_strv_length(options->rest) != 1 || options->model == NULL)
		return fail("wants --model and one output file");
	return true;
}

static bool
fill_spec(LabIpswSpec *spec, Options *options)
{
	g_auto(GStrv)
	    size = g_strsplit(options->os_image != NULL ? options->os_image : "4 MB", " ", 2);
	spec->product = g_strdup(options->model);
	spec->version = g_strdup(options->version);
	spec->build = g_strdup(options->build);
	spec->manifest = g_strdup(options->manifest);
	spec->os_deflated = options->deflated;
	if (!lab_value_bytes(size[0], size[0] != NULL ? size[1] : NULL, &spec->os_bytes))
		return fail("‘--os-image’ wants a size, such as ‘4 MB’");
	if (options->damage == NULL)
		return true;
	g_auto(GStrv) damage = g_strsplit(options->damage, " ", 2);
	uint64_t number = 0;
	if (!lab_damage_parse(damage[0], &spec->damage))
		return fail("‘--damage’ is not a damage the lab can do");
	if (lab_value_number(damage[1], 99, &number))
		spec->damage_number = (unsigned)number;
	spec->damage_text = g_strdup(damage[1] != NULL ? damage[1] : "");
	return true;
}

static bool
run(Options *options)
{
	LabIpswSpec spec = { 0 };
	g_autoptr(GError) error = NULL;
	bool ok = fill_spec(&spec, options);
	if (ok && !lab_ipsw_spec_complete(&spec, &error))
		ok = fail(error->message);
	if (ok && (spec.version == NULL || spec.build == NULL))
		ok = fail("wants --version and --build, or a manifest that has them");
	if (ok && !lab_ipsw_build(&spec, options->rest[0], &error))
		ok = fail(error->message);
	lab_ipsw_spec_clear(&spec);
	return ok;
}

int
main(int argc, char **argv)
{
	Options options = { 0 };
	bool ok = read_options(&options, &argc, &argv) && run(&options);
	g_free(options.model);
	g_free(options.version);
	g_free(options.build);
	g_free(options.manifest);
	g_free(options.os_image);
	g_free(options.damage);
	g_strfreev(options.rest);
	return ok ? 0 : 2;
}
