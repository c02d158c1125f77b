/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/ops/operations.h"

#include "cli/line/ops/couriers.h"
#include "cli/line/ops/service.h"
#include "cli/line/ops/upkeep.h"
#include "core/base/clock.h"
#include "core/process/process.h"

#define UPKEEP_LOOK_S 3600 /* how often it is looked whether a day is over */

struct RescueOperations {
	const RescueCli *cli;
	char *conf;
	RescueService *service;
	RescueCouriers *couriers; /* NULL: nobody is told */
	RescueProcess *upkeep;
	guint daily; /* source */
	char *status;
};

static void
on_log(const char *sentence, void *data)
{
	rescue_operations_say(data, sentence, NULL);
}

void
rescue_operations_say(const RescueOperations *operations, const char *sentence,
		      const RescueJson *about)
{
	if (!operations->cli->quiet)
		rescue_service_say(RESCUE_SERVICE_INFO, sentence, about);
}

/* the daily child */

static void
on_upkeep_exit(int status, int signal, void *data)
{
	RescueOperations *operations = data;
	const char *errors = rescue_process_stderr(operations->upkeep);

	if (status != 0) {
		g_autofree char *what =
		    g_strdup_printf("upkeep ended with status %d, signal %d%s%s", status, signal,
				    *errors != '\0' ? ": " : "", errors);
		rescue_operations_say(operations, g_strstrip(what), NULL);
	}
	g_clear_pointer(&operations->upkeep, rescue_process_free);
}

static gboolean
on_daily(gpointer data)
{
	RescueOperations *operations = data;
	const RescueCli *cli = operations->cli;
	const char *const argv[] = { cli->program,     "line",    "upkeep",       "--conf",
				     operations->conf, "--state", cli->state_dir, NULL };
	g_autoptr(GError) error = NULL;

	if (operations->upkeep != NULL ||
	    !rescue_upkeep_is_due(cli->state_dir, rescue_clock_wall_us(rescue_clock_system())))
		return G_SOURCE_CONTINUE;
	operations->upkeep = rescue_process_start(&(RescueProcessSpec){ .argv = argv,
									.inherit_fd = -1,
									.on_exit = on_upkeep_exit,
									.data = operations },
						  &error);
	if (operations->upkeep == NULL)
		rescue_operations_say(operations, error->message, NULL);
	return G_SOURCE_CONTINUE;
}

/* life */

static bool
start_couriers(RescueOperations *operations, const RescueLineConfig *config, GError **error)
{
	const RescueCli *cli = operations->cli;
	const char *const command[] = { cli->program,     "line",    "deliver",      "--conf",
					operations->conf, "--state", cli->state_dir, NULL };
	const RescueCouriersSpec spec = {
		.command = command, .state_dir = cli->state_dir, .log = on_log, .data = operations
	};

	operations->couriers = rescue_couriers_new(&spec, config, error);
	return operations->couriers != NULL;
}

RescueOperations *
rescue_operations_new(const RescueCli *cli, const char *conf, const RescueLineConfig *config,
		      GError **error)
{
	g_autoptr(RescueOperations) operations = g_new0(RescueOperations, 1);

	operations->cli = cli;
	operations->conf = conf != NULL ? g_canonicalize_filename(conf, NULL) : NULL;
	operations->service = rescue_service_new();
	if (conf == NULL)
		return g_steal_pointer(&operations);
	if (!start_couriers(operations, config, error))
		return NULL;
	operations->daily = g_timeout_add_seconds(UPKEEP_LOOK_S, on_daily, operations);
	(void)on_daily(operations);
	return g_steal_pointer(&operations);
}

void
rescue_operations_free(RescueOperations *operations)
{
	if (operations == NULL)
		return;
	g_clear_handle_id(&operations->daily, g_source_remove);
	rescue_process_free(operations->upkeep);
	rescue_couriers_free(operations->couriers);
	rescue_service_free(operations->service);
	g_free(operations->status);
	g_free(operations->conf);
	g_free(operations);
}

char *
rescue_operations_status(const RescueStation *station)
{
	static const RescueSlotState shown[] = { RESCUE_SLOT_RUNNING, RESCUE_SLOT_QUEUED,
						 RESCUE_SLOT_NEEDS_OPERATOR, RESCUE_SLOT_FAILED,
						 RESCUE_SLOT_QUARANTINED };
	size_t ports = rescue_station_layout(station)->ports->len;
	unsigned counts[RESCUE_SLOT_LAST] = { 0 };
	g_autoptr(GString) text = g_string_new(NULL);

	for (size_t i = 0; i < ports; i++)
		counts[rescue_station_slot(station, i)]++;
	g_string_printf(text, "%zu ports", ports);
	for (size_t i = 0; i < G_N_ELEMENTS(shown); i++) {
		if (counts[shown[i]] > 0)
			g_string_append_printf(text, ", %u %s", counts[shown[i]],
					       rescue_slot_state_name(shown[i]));
	}
	return g_strdup(text->str);
}

/* whether it is another one than before */
static bool
take_status(RescueOperations *operations, const RescueStation *station)
{
	g_autofree char *status = rescue_operations_status(station);

	if (g_strcmp0(status, operations->status) == 0)
		return false;
	g_free(operations->status);
	operations->status = g_steal_pointer(&status);
	return true;
}

void
rescue_operations_ready(RescueOperations *operations, const RescueStation *station)
{
	(void)take_status(operations, station);
	rescue_service_ready(operations->service, operations->status);
}

void
rescue_operations_look(RescueOperations *operations, const RescueStation *station)
{
	if (operations->couriers != NULL)
		rescue_couriers_look(operations->couriers, station,
				     rescue_clock_wall_us(rescue_clock_system()));
	if (take_status(operations, station))
		rescue_service_status(operations->service, operations->status);
}

void
rescue_operations_reloading(RescueOperations *operations)
{
	rescue_service_reloading(operations->service);
}

void
rescue_operations_configure(RescueOperations *operations, const RescueLineConfig *config)
{
	if (operations->couriers != NULL)
		rescue_couriers_configure(operations->couriers, config);
}

void
rescue_operations_stopping(RescueOperations *operations)
{
	rescue_service_stopping(operations->service, "ends; restores go on");
}
