/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/ops/commands.h"

#include "cli/common/output.h"
#include "cli/line/ops/deliver.h"
#include "cli/line/ops/settings.h"
#include "cli/line/ops/upkeep.h"
#include "core/base/parse.h"
#include "core/base/path.h"
#include "core/config/ini.h"
#include "core/config/line.h"
#include "core/store/backup.h"

/* the one argument of a subcommand; NULL: there is none, or more than one */
static const char *
only_one(char *const *arguments)
{
	return arguments[0] != NULL && arguments[1] == NULL ? arguments[0] : NULL;
}

static RescueLineConfig *
read_stdin(uint64_t *ret_up_to, GError **error)
{
	size_t size = 0;
	g_autofree char *text = rescue_path_read("/dev/stdin", RESCUE_CONFIG_MAX_BYTES, &size,
						 error);
	g_autoptr(RescueJson) json = text != NULL ? rescue_json_parse(text, size, error) : NULL;
	g_autoptr(RescueLineConfig) config = rescue_line_config_new();

	int64_t up_to = 0;

	if (json == NULL || !rescue_courier_read(json, config, error))
		return NULL;
	(void)rescue_json_get_int(json, RESCUE_COURIER_UP_TO, &up_to);
	*ret_up_to = (uint64_t)MAX(up_to, 0);
	return g_steal_pointer(&config);
}

int
rescue_line_deliver(const RescueCli *cli, const char *conf, char *const *arguments)
{
	const char *name = only_one(arguments);
	RescueDelivery delivery = { .state_dir = cli->state_dir, .courier = name };
	g_autoptr(RescueLineConfig) config = NULL;
	g_autoptr(RescueJson) json = NULL;
	RescueDelivered delivered = { 0 };
	GError *error = NULL;

	if (name == NULL)
		return rescue_fail_usage(
		    cli, "say: line deliver --conf FILE webhook-NAME, or hook-NAME");
	config = conf != NULL ? rescue_line_config_load(conf, &error)
			      : read_stdin(&delivery.up_to, &error);
	delivery.config = config;
	if (config == NULL || !rescue_deliver(&delivery, &delivered, &error))
		return rescue_fail_quietly(error);
	json = rescue_delivered_to_json(&delivered);
	return rescue_print_json(json) ? RESCUE_EXIT_FINE : 1;
}

int
rescue_line_upkeep(const RescueCli *cli, const char *conf)
{
	g_autoptr(RescueLineConfig) config = NULL;
	unsigned forgotten = 0;
	GError *error = NULL;

	config = conf != NULL ? rescue_line_config_load(conf, &error) : rescue_line_config_new();
	if (config == NULL ||
	    !rescue_upkeep(cli->state_dir,
			   config->retention_ms > 0 ? config->retention_ms : cli->retention_ms,
			   &forgotten, &error))
		return rescue_fail(cli, error);
	rescue_say(cli, "%u jobs were older than the retention and are forgotten", forgotten);
	return RESCUE_EXIT_FINE;
}

static RescueJson *
backup_to_json(const char *folder, const RescueBackup *backup)
{
	RescueJson *json = rescue_json_object_new();

	rescue_json_set_int(json, "v", 1);
	rescue_json_set_string(json, "folder", folder);
	rescue_json_set_int(json, "files", (int64_t)backup->files);
	rescue_json_set_int(json, "bytes", (int64_t)backup->bytes);
	return json;
}

int
rescue_line_backup(const RescueCli *cli, char *const *arguments)
{
	const char *folder = only_one(arguments);
	g_autofree char *size = NULL;
	g_autoptr(RescueJson) json = NULL;
	RescueBackup backup = { 0 };
	GError *error = NULL;

	if (folder == NULL)
		return rescue_fail_usage(cli, "say: line backup FOLDER, which is made");
	if (!rescue_backup_make(cli->state_dir, folder, &backup, &error))
		return rescue_fail(cli, error);
	if (cli->json) {
		json = backup_to_json(folder, &backup);
		return rescue_print_json(json) ? RESCUE_EXIT_FINE : 1;
	}
	size = rescue_format_size(backup.bytes);
	rescue_say(cli, "%s: %" G_GUINT64_FORMAT " files, %s", folder, backup.files, size);
	return RESCUE_EXIT_FINE;
}
