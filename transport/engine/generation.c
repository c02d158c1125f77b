/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/engine/generation.h"

#include <string.h>
#include <sys/stat.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "core/process/process.h"

#define PROGRAM "idevicerestore"

/* For what only prints a few lines; the first start from a slow disk included. */
#define LOOK_MS 20000

/* A version is shown and compared, so it is short and made of what versions are made of. */
#define MAX_VERSION 64

void
rescue_generation_clear(RescueGeneration *generation)
{
	rescue_launch_clear(&generation->launch);
	g_free(generation->version);
	*generation = (RescueGeneration){ .version = NULL };
}

RescueDialect
rescue_generation_dialect(const RescueGeneration *generation)
{
	return generation->has_logfile ? RESCUE_DIALECT_1_0_1 : RESCUE_DIALECT_1_0_0;
}

RescuePicking
rescue_generation_picking(const RescueGeneration *generation)
{
	return generation->has_variant ? RESCUE_PICKS_BY_VARIANT : RESCUE_PICKS_BY_BEHAVIOR;
}

int
rescue_generation_number(const RescueGeneration *generation)
{
	return generation->has_logfile ? 2 : 1;
}

char *
rescue_generation_read_version(const char *output)
{
	const char *text = strstr(output, PROGRAM " ");
	size_t size = 0;

	if (text == NULL)
		return NULL;
	text += strlen(PROGRAM " ");
	while (size < MAX_VERSION && (g_ascii_isalnum(text[size]) ||
				      (text[size] != '\0' && strchr(".+-~", text[size]) != NULL)))
		size++;
	return size > 0 && g_ascii_isdigit(text[0]) ? g_strndup(text, size) : NULL;
}

static char *
find_program(const char *name, GError **error)
{
	g_autofree char *found = g_find_program_in_path(name != NULL ? name : PROGRAM);

	if (found != NULL)
		return g_canonicalize_filename(found, NULL);
	if (name != NULL)
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_NO_ENGINE,
			    "there is no engine program ‘%s’", name);
	else
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_NO_ENGINE,
			    "the program " PROGRAM " is not installed");
	return NULL;
}

/** Runs it with one option; what it says, NULL when it does not end in order. */
static char *
ask(const RescueLaunch *launch, const char *option, GError **error)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
	g_auto(RescueProcessResult) result = { .status = 0 };

	rescue_launch_add(launch, argv);
	g_ptr_array_add(argv, g_strdup(option));
	g_ptr_array_add(argv, NULL);
	RescueProcessSpec spec = { .argv = (const char *const *)argv->pdata, .inherit_fd = -1 };
	if (!rescue_process_run(&spec, LOOK_MS, &result, error)) {
		if (error != NULL && *error != NULL)
			(*error)->code = RESCUE_FAILURE_ENGINE_UNUSABLE;
		return NULL;
	}
	if (!result.timed_out && result.status == 0)
		return g_steal_pointer(&result.output);
	g_auto(GStrv) lines = g_strsplit(result.errors, "\n", 2);
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_ENGINE_UNUSABLE, "‘%s %s’ failed: %s",
		    launch->program, option,
		    lines[0] != NULL && lines[0][0] != '\0' ? lines[0] : "it gave no reason");
	return NULL;
}

static bool
look_at(RescueGeneration *generation, GError **error)
{
	const RescueLaunch *launch = &generation->launch;
	g_autofree char *version = ask(launch, "-v", error);
	g_autofree char *usage = version != NULL ? ask(launch, "-h", error) : NULL;

	if (usage == NULL)
		return false;
	generation->version = rescue_generation_read_version(version);
	generation->has_logfile = strstr(usage, "--logfile") != NULL;
	generation->has_server = strstr(usage, "--server") != NULL;
	generation->has_variant = strstr(usage, "--variant") != NULL;
	if (generation->version != NULL)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_ENGINE_UNUSABLE,
		    "‘%s -v’ does not tell a version of " PROGRAM, launch->program);
	return false;
}

bool
rescue_generation_look(RescueGeneration *generation, const RescueLaunch *launch, GError **error)
{
	g_autofree char *path = find_program(launch->program, error);
	struct stat status;

	if (path == NULL)
		return false;
	int64_t modified_us = 0;
	uint64_t size = 0;
	if (stat(path, &status) == 0) {
		modified_us = (int64_t)status.st_mtim.tv_sec * G_USEC_PER_SEC +
			      status.st_mtim.tv_nsec / 1000;
		size = (uint64_t)status.st_size;
	}
	if (generation->version != NULL && strcmp(generation->launch.program, path) == 0 &&
	    generation->modified_us == modified_us && generation->size == size)
		return true;
	g_auto(RescueLaunch) fresh = { .program = NULL };
	rescue_launch_copy(&fresh, launch);
	rescue_generation_clear(generation);
	generation->launch = fresh;
	fresh = (RescueLaunch){ .program = NULL };
	g_free(generation->launch.program);
	generation->launch.program = g_steal_pointer(&path);
	generation->modified_us = modified_us;
	generation->size = size;
	return look_at(generation, error);
}
