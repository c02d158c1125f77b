/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/ipsw/inspect.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/failure/failure.h"
#include "core/process/process.h"
#include "firmware/ipsw/firmware-json.h"

/* the components of a large firmware, without its OS image, from a slow disk */
#define DEADLINE_MS (300u * 1000)

struct RescueInspect {
	char *program;
	bool thorough;
};

RescueInspect *
rescue_inspect_new(const char *program, bool thorough)
{
	RescueInspect *inspect = g_new0(RescueInspect, 1);

	inspect->program = g_strdup(program);
	inspect->thorough = thorough;
	return inspect;
}

void
rescue_inspect_free(RescueInspect *inspect)
{
	if (inspect == NULL)
		return;
	g_free(inspect->program);
	g_free(inspect);
}

/* why there was no answer that makes sense */
static void
explain_silence(const RescueProcessResult *result, const char *path, GError **error)
{
	if (result->timed_out)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
			    "reading ‘%s’ took longer than %u s", path, DEADLINE_MS / 1000);
	else if (rescue_process_result_is_foreign_end(result))
		g_set_error(
		    error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
		    "the reader of ‘%s’ was ended by signal %d, %u times: the computer may be "
		    "short of memory",
		    path, result->signal, RESCUE_PROCESS_TRIES);
	else if (result->signal != 0)
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_DAMAGED,
			    "‘%s’ is not a usable firmware file: its reader ended with signal %d",
			    path, result->signal);
	else
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_INTERNAL,
			    "the firmware reader gave no answer for ‘%s’ (status %d)", path,
			    result->status);
}

static RescueFirmware *
read_answer(const RescueProcessResult *result, const char *path, GError **error)
{
	g_autoptr(RescueJson) json = NULL;
	GError *said;

	if (!result->timed_out && result->signal == 0 && result->output != NULL)
		json = rescue_json_parse(result->output, strlen(result->output), NULL);
	if (json == NULL) {
		explain_silence(result, path, error);
		return NULL;
	}
	said = rescue_error_from_json(json);
	if (said != NULL) {
		g_propagate_error(error, said);
		return NULL;
	}
	return rescue_firmware_from_json(json, error);
}

static RescueFirmware *
inspect(void *self, const char *path, GError **error)
{
	const RescueInspect *inspector = self;
	/* --verbose is only there to fill the place of --check */
	const char *const argv[] = { inspector->program,
				     "--json",
				     "firmware",
				     "show",
				     "--worker",
				     inspector->thorough ? "--check" : "--verbose",
				     "--",
				     path,
				     NULL };
	const RescueProcessSpec spec = { .argv = argv, .inherit_fd = -1 };
	g_auto(RescueProcessResult) result = { 0 };
	RescueFirmware *firmware;

	if (!rescue_process_insist(&spec, DEADLINE_MS, &result, error))
		return NULL;
	firmware = read_answer(&result, path, error);
	if (firmware == NULL)
		return NULL;
	/* what the child calls the file is not taken from it */
	g_free(firmware->path);
	firmware->path = g_strdup(path);
	return firmware;
}

const RescueInspectPort rescue_inspect_port = {
	.inspect = inspect,
};
