/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/choose.h"

#include "cli/common/output.h"
#include "core/base/error.h"
#include "core/failure/failure.h"

#define SCHEMA_VERSION 1

static const char *const titles[] = { "ECID", "MODEL", "MODE", "PORT", "SPEED", "VERSION", NULL };

const RescueDevice *
rescue_choose_device(const GPtrArray *devices, GError **error)
{
	g_autoptr(GString) list = NULL;
	unsigned i;

	if (devices->len == 1)
		return devices->pdata[0];
	if (devices->len == 0) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DEVICE_NOT_FOUND,
			    "no device is attached");
		return NULL;
	}
	list = g_string_new(NULL);
	for (i = 0; i < devices->len; i++) {
		g_autofree char *text = rescue_device_describe(devices->pdata[i]);
		g_string_append_printf(list, "%s%s", i > 0 ? "; " : "", text);
	}
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_SEVERAL_DEVICES,
		    "%u devices are attached, say with --ecid which one is meant: %s", devices->len,
		    list->str);
	return NULL;
}

static void
add_row(RescueTable *table, const RescueDevice *device)
{
	char ecid[RESCUE_ECID_TEXT];
	g_autofree char *speed = device->place.speed_mbit != 0
				     ? g_strdup_printf("%u Mbit/s", device->place.speed_mbit)
				     : NULL;
	g_autofree char *version =
	    device->build != NULL
		? g_strdup_printf("%s (%s)", device->version != NULL ? device->version : "?",
				  device->build)
		: g_strdup(device->version);
	const char *const cells[] = {
		device->ecid != 0 ? rescue_ecid_format(device->ecid, ecid) : NULL,
		device->product != NULL ? device->product : device->board,
		rescue_mode_name(device->mode),
		device->place.port,
		speed,
		version,
	};

	rescue_table_add(table, cells);
}

char *
rescue_devices_format(const GPtrArray *devices)
{
	g_autoptr(RescueTable) table = rescue_table_new(titles);
	unsigned i;

	for (i = 0; i < devices->len; i++)
		add_row(table, devices->pdata[i]);
	return rescue_table_format(table);
}

RescueJson *
rescue_device_to_json(const RescueDevice *device)
{
	RescueJson *json = rescue_json_object_new();
	char ecid[RESCUE_ECID_TEXT];

	if (device->ecid != 0)
		rescue_json_set_string(json, "ecid", rescue_ecid_format(device->ecid, ecid));
	rescue_json_set_string(json, "mode", rescue_mode_name(device->mode));
	rescue_json_set_string(json, "port", device->place.port);
	if (device->place.speed_mbit != 0)
		rescue_json_set_int(json, "speed_mbit", device->place.speed_mbit);
	rescue_json_set_string(json, "product", device->product);
	rescue_json_set_string(json, "board", device->board);
	rescue_json_set_string(json, "serial", device->serial);
	rescue_json_set_string(json, "udid", device->udid);
	rescue_json_set_string(json, "version", device->version);
	rescue_json_set_string(json, "build", device->build);
	if (!device->have_chip)
		return json;
	rescue_json_set_int(json, "chip_id", device->chip_id);
	rescue_json_set_int(json, "board_id", device->board_id);
	return json;
}

RescueJson *
rescue_devices_to_json(const GPtrArray *devices)
{
	RescueJson *json = rescue_json_object_new();
	RescueJson *list = rescue_json_array_new();
	unsigned i;

	for (i = 0; i < devices->len; i++)
		rescue_json_append_take(list, rescue_device_to_json(devices->pdata[i]));
	rescue_json_set_int(json, "v", SCHEMA_VERSION);
	rescue_json_take(json, "devices", list);
	return json;
}
