/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "cli/commands/firmware.h"
#include "cli/common/depot.h"
#include "cli/common/output.h"
#include "cli/common/worker.h"
#include "core/base/error.h"
#include "core/failure/failure.h"
#include "firmware/ipsw/inspect.h"
#include "firmware/ipsw/zip.h"
#include "firmware/prepare/make.h"

/* System images, unpacked once for all jobs: for a person or script, and the child that does the work. */

/* ---- the child -------------------------------------------------------------------------------- */

static RescueJson *
done_to_json(const RescueImage *image)
{
	RescueJson *json = rescue_json_object_new();

	rescue_json_set_string(json, "event", "done");
	rescue_json_set_string(json, "path", image->path);
	rescue_json_set_string(json, "sha256", image->sha256);
	rescue_json_set_int(json, "bytes", (int64_t)image->size_bytes);
	rescue_json_set_int(json, "total", (int64_t)image->size_bytes);
	return json;
}

static RescueJson *
proven_to_json(const RescueFirmwareOptions *options)
{
	RescueJson *json = rescue_json_object_new();

	rescue_json_set_string(json, "event", "done");
	rescue_json_set_string(json, "path", options->file);
	return json;
}

/* what the parent hears at the end; NULL when it failed */
static RescueJson *
work(const RescueCli *cli, const RescueFirmwareOptions *options, GError **error)
{
	g_autoptr(RescueDepot) depot = rescue_cli_open_depot(cli, error);
	g_autoptr(RescueImage) image = NULL;
	int64_t said_us = 0;
	const RescueMakeSpec spec = { .depot = depot,
				      .source = options->file,
				      .member = options->image,
				      .size_limit = rescue_cli_size(cli->cache_limit),
				      .listener = rescue_firmware_say_news,
				      .data = &said_us };

	if (depot == NULL || !rescue_worker_confine_unpacking(rescue_depot_dir(depot),
							      RESCUE_ZIP_MAX_MEMBER_BYTES, error))
		return NULL;
	if (options->prove)
		return rescue_image_prove(&spec, error) ? proven_to_json(options) : NULL;
	image = rescue_image_make(&spec, error);
	return image != NULL ? done_to_json(image) : NULL;
}

int
rescue_firmware_prepare_worker(const RescueCli *cli, const RescueFirmwareOptions *options)
{
	g_autoptr(GError) error = NULL;
	RescueJson *done;

	if (options->image == NULL || options->file == NULL)
		return rescue_fail_usage(cli, "firmware prepare: name one FILE");
	done = work(cli, options, &error);
	rescue_firmware_say(done != NULL ? done : rescue_fetch_error_to_json(error));
	return error == NULL
		   ? RESCUE_EXIT_FINE
		   : rescue_failure_exit_status((RescueFailure)rescue_error_failure(error));
}

/* ---- the parent ------------------------------------------------------------------------------- */

/* the file itself, or the name of one that is kept here; caller frees */
static char *
find_file(const RescueCli *cli, const char *wanted, GError **error)
{
	g_autoptr(RescueDepot) depot = rescue_cli_open_depot(cli, error);
	g_autoptr(GPtrArray) stored = depot != NULL ? rescue_depot_list(depot) : NULL;

	for (guint i = 0; stored != NULL && i < stored->len; i++) {
		const RescueStored *one = stored->pdata[i];
		g_autofree char *name = rescue_release_name(one->release);
		if (strcmp(name, wanted) == 0)
			return g_strdup(one->path);
	}
	return depot != NULL ? g_canonicalize_filename(wanted, NULL) : NULL;
}

/* each once, although many devices share them; borrowed from the firmware */
static GPtrArray *
list_members(const RescueFirmware *firmware, const char *only)
{
	GPtrArray *members = g_ptr_array_new();

	for (guint i = 0; i < firmware->identities->len; i++) {
		const RescueIdentity *identity = firmware->identities->pdata[i];
		char *member = identity->os_image;
		if (member != NULL && (only == NULL || strcmp(only, member) == 0) &&
		    !g_ptr_array_find_with_equal_func(members, member, g_str_equal, NULL))
			g_ptr_array_add(members, member);
	}
	return members;
}

static char *
prepare_one(const RescueCli *cli, const char *file, const char *member, GError **error)
{
	g_auto(RescueFirmwareTeller) teller = { .cli = cli, .phase = RESCUE_PHASE_VERIFY_FIRMWARE };
	g_autoptr(RescueInbox) inbox = rescue_inbox_new();
	g_autoptr(RescuePrepare) prepare = rescue_cli_new_prepare(cli, inbox);

	rescue_inbox_watch_signals(inbox);
	rescue_firmware_teller_start(&teller, NULL);
	if (!rescue_prepare_port.start(prepare, file, member, false, error))
		return NULL;
	return rescue_firmware_follow(&teller, inbox, rescue_prepare_port.end, prepare, error);
}

static void
tell_done(const RescueCli *cli, const char *member, const char *path)
{
	g_autoptr(RescueJson) json = rescue_json_object_new();
	g_autofree char *line = g_strconcat(path, "\n", NULL);

	rescue_json_set_string(json, "event", "done");
	rescue_json_set_string(json, "image", member);
	rescue_json_set_string(json, "path", path);
	(void)(cli->json ? rescue_print_json(json) : rescue_print(line));
}

static bool
prepare_all(const RescueCli *cli, const char *file, const GPtrArray *members, GError **error)
{
	for (guint i = 0; i < members->len; i++) {
		const char *member = g_ptr_array_index(members, i);
		g_autofree char *path = prepare_one(cli, file, member, error);
		if (path == NULL)
			return false;
		tell_done(cli, member, path);
	}
	return true;
}

int
rescue_firmware_prepare(const RescueCli *cli, const RescueFirmwareOptions *options)
{
	g_autoptr(RescueInspect) inspect = rescue_inspect_new(cli->program, false);
	g_autoptr(RescueFirmware) firmware = NULL;
	g_autoptr(GPtrArray) members = NULL;
	g_autofree char *file = NULL;
	GError *error = NULL;

	if (g_strv_length(options->arguments) != 1)
		return rescue_fail_usage(cli, "firmware prepare: name one FILE");
	file = find_file(cli, options->arguments[0], &error);
	if (file != NULL)
		firmware = rescue_inspect_port.inspect(inspect, file, &error);
	if (firmware == NULL)
		return rescue_fail(cli, error);
	members = list_members(firmware, options->image);
	if (members->len == 0)
		return rescue_fail_usage(cli, "firmware prepare: ‘%s’ has no system image%s%s",
					 options->arguments[0], options->image != NULL ? " " : "",
					 options->image != NULL ? options->image : "");
	return prepare_all(cli, file, members, &error) ? RESCUE_EXIT_FINE : rescue_fail(cli, error);
}
