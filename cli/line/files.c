/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/files.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/parse.h"
#include "core/base/path.h"
#include "core/line/usb.h"

#define MAX_BYTES   (1024u * 1024u)
#define USB_DEVICES "/sys/bus/usb/devices"
#define MAX_BUS     1023u
#define MAX_MBIT    100000u

static bool
load(const char *path, char **ret_text, size_t *ret_size, GError **error)
{
	*ret_text = rescue_path_read(path, MAX_BYTES, ret_size, error);
	return *ret_text != NULL;
}

bool
rescue_line_files_load(const char *station, const char *rules, RescueLayout **ret_layout,
		       RescueIntakeRules **ret_rules, GError **error)
{
	g_autofree char *text = NULL;
	g_autofree char *rules_text = NULL;
	g_autoptr(RescueLayout) layout = NULL;
	g_autoptr(RescueIntakeRules) parsed = NULL;
	size_t size = 0;

	if (!load(station, &text, &size, error))
		return false;
	layout = rescue_layout_parse(text, size, error);
	if (layout == NULL) {
		g_prefix_error(error, "%s: ", station);
		return false;
	}
	if (rules != NULL && !load(rules, &rules_text, &size, error))
		return false;
	parsed = rules != NULL ? rescue_intake_parse(rules_text, size, error) : NULL;
	if (rules != NULL && parsed == NULL) {
		g_prefix_error(error, "%s: ", rules);
		return false;
	}
	*ret_layout = g_steal_pointer(&layout);
	*ret_rules = g_steal_pointer(&parsed);
	return true;
}

static unsigned
read_number(const char *name, const char *attribute, unsigned max)
{
	g_autofree char *path = g_build_filename(USB_DEVICES, name, attribute, NULL);
	g_autofree char *text = NULL;
	uint64_t value = 0;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return 0;
	(void)rescue_parse_uint(g_strstrip(text), 0, max, &value, NULL); /* stays 0 */
	return (unsigned)value;
}

/* The folder that a root hub lies in is its controller. Caller frees. */
static char *
find_controller(const char *name)
{
	g_autofree char *path = g_build_filename(USB_DEVICES, name, NULL);
	char *real = realpath(path, NULL);
	g_autofree char *parent = real != NULL ? g_path_get_dirname(real) : NULL;

	free(real);
	return parent != NULL ? g_path_get_basename(parent) : NULL;
}

static void
free_bus(void *bus)
{
	rescue_usb_bus_free(bus);
}

GPtrArray *
rescue_line_find_buses(void)
{
	GPtrArray *buses = g_ptr_array_new_with_free_func(free_bus);
	g_autoptr(GDir) folder = g_dir_open(USB_DEVICES, 0, NULL);
	const char *name;

	while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
		unsigned number = strncmp(name, "usb", 3) == 0
				      ? read_number(name, "busnum", MAX_BUS)
				      : 0;
		g_autofree char *controller = number != 0 ? find_controller(name) : NULL;
		if (number != 0)
			g_ptr_array_add(buses,
					rescue_usb_bus_new(number, controller,
							   read_number(name, "speed", MAX_MBIT)));
	}
	return buses;
}
