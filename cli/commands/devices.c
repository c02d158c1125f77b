/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/commands/commands.h"

#include "cli/common/choose.h"
#include "cli/common/output.h"
#include "cli/common/wiring.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/model/event.h"

/* there is no end to a watch but a signal; the wait still has a name and a limit */
#define WATCH_US (INT64_C(3600) * G_USEC_PER_SEC)

static int
list_once(const RescueCli *cli, RescueWiring *wiring)
{
	const RescuePorts *ports = rescue_wiring_ports(wiring);
	g_autoptr(GPtrArray) devices = ports->devices->list(ports->devices_self);
	g_autofree char *text = NULL;

	if (cli->json) {
		g_autoptr(RescueJson) json = rescue_devices_to_json(devices);
		return rescue_print_json(json) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
	}
	if (devices->len == 0) {
		rescue_say(cli, "no device is attached");
		return RESCUE_EXIT_FINE;
	}
	text = rescue_devices_format(devices);
	return rescue_print(text) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
}

/** What was told of each device last, so that news without news is told once. */
typedef struct {
	GHashTable *told; /* name of the device → its line */
	uint64_t seq;
} Watch;

/* by its ECID, or what else is known of it */
static char *
name_device(const RescueDevice *device)
{
	char ecid[RESCUE_ECID_TEXT];

	if (device->ecid != 0)
		return g_strdup(rescue_ecid_format(device->ecid, ecid));
	return g_strdup(device->udid != NULL         ? device->udid
			: device->place.port != NULL ? device->place.port
						     : "");
}

static bool
print_change(const RescueCli *cli, Watch *watch, const RescueDevice *device)
{
	g_autoptr(RescueJson) body = rescue_event_device(device);
	g_autofree char *line = cli->json ? rescue_json_dump(body) : rescue_device_describe(device);
	g_autofree char *name = name_device(device);
	g_autofree char *text = NULL;
	bool news = g_strcmp0(g_hash_table_lookup(watch->told, name), line) != 0;

	if (!news)
		return true;
	text = g_strdup_printf("%s\n", line);
	g_hash_table_replace(watch->told, g_steal_pointer(&name), g_steal_pointer(&line));
	if (cli->json) {
		int64_t wall_us = rescue_clock_wall_us(rescue_clock_system());
		g_autoptr(RescueJson)
		    event = rescue_event_stamp(body, ++watch->seq, wall_us, NULL, device->ecid);
		return rescue_print_json(event);
	}
	return rescue_print(text);
}

/* ends with a signal, or when nobody reads any more; what is attached already arrives as the first changes */
static int
watch_devices(const RescueCli *cli, RescueWiring *wiring)
{
	const RescuePorts *ports = rescue_wiring_ports(wiring);
	g_autoptr(GHashTable) told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	Watch watch = { .told = told };

	for (;;) {
		int64_t until_us = rescue_clock_monotonic_us(ports->clock) + WATCH_US;
		g_autoptr(RescueObservation) seen = ports->inbox->next(ports->inbox_self, until_us);
		if (seen->kind == RESCUE_OBSERVED_STOP)
			return RESCUE_EXIT_FINE;
		if (seen->kind == RESCUE_OBSERVED_DEVICE &&
		    !print_change(cli, &watch, seen->device))
			return RESCUE_EXIT_FINE;
	}
}

static int
run(RescueCli *cli)
{
	gboolean watching = FALSE;
	const GOptionEntry entries[] = { { "watch", 0, 0, G_OPTION_ARG_NONE, &watching,
					   "go on, and tell each change until interrupted", NULL },
					 { 0 } };
	g_auto(GStrv) arguments = NULL;
	g_autoptr(RescueWiring) wiring = NULL;
	GError *error = NULL;
	int status;

	if (!rescue_cli_parse(cli, &rescue_command_devices, entries, &arguments, &status))
		return status;
	if (arguments[0] != NULL)
		return rescue_fail_usage(cli, "devices: ‘%s’ is one argument too many",
					 arguments[0]);
	wiring = rescue_wiring_new(cli, &error);
	if (wiring == NULL)
		return rescue_fail(cli, error);
	return watching ? watch_devices(cli, wiring) : list_once(cli, wiring);
}

const RescueCommand rescue_command_devices = {
	.name = "devices",
	.arguments = "",
	.summary = "what is attached, in which mode, on which port",
	.run = run,
};
