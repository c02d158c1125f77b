/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "core/base/path.h"
#include "core/line/usb.h"
#include "transport/host/host.h"

#define DEVICES_DIR "/sys/bus/usb/devices"
#define ROOT_HUB    "usb"
#define MAX_VALUE   64u
#define USB2_MBIT   480u /* phones in recovery mode know no faster half of a socket */

/* "480"; 0 when it is not there */
static unsigned
read_speed(const char *hub)
{
	g_autofree char *path = g_build_filename(DEVICES_DIR, hub, "speed", NULL);
	g_autofree char *text = rescue_path_read(path, MAX_VALUE, NULL, NULL);
	guint64 value = 0;

	if (text == NULL ||
	    !g_ascii_string_to_unsigned(g_strstrip(text), 10, 0, G_MAXUINT32, &value, NULL))
		return 0;
	return (unsigned)value;
}

/* "../../../devices/pci0000:00/0000:00:14.0/usb1" names the controller before its bus. Caller frees. */
static char *
read_controller(const char *root_hub)
{
	g_autofree char *path = g_build_filename(DEVICES_DIR, root_hub, NULL);
	g_autofree char *target = g_file_read_link(path, NULL);
	g_autofree char *parent = target != NULL ? g_path_get_dirname(target) : NULL;

	return parent != NULL ? g_path_get_basename(parent) : NULL;
}

static bool
read_bus_number(const char *name, unsigned *ret_number)
{
	guint64 value = 0;

	if (!g_str_has_prefix(name, ROOT_HUB) ||
	    !g_ascii_string_to_unsigned(name + strlen(ROOT_HUB), 10, 1, G_MAXUINT32, &value, NULL))
		return false;
	*ret_number = (unsigned)value;
	return true;
}

GPtrArray *
rescue_host_list_buses(void)
{
	GPtrArray *buses = g_ptr_array_new_with_free_func((GDestroyNotify)rescue_usb_bus_free);
	g_autoptr(GDir) dir = g_dir_open(DEVICES_DIR, 0, NULL);
	const char *name;
	unsigned number;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *controller = read_controller(name);
		if (read_bus_number(name, &number))
			g_ptr_array_add(buses,
					rescue_usb_bus_new(number, controller, read_speed(name)));
	}
	return buses;
}

bool
rescue_host_port_is_used(const char *port)
{
	g_autofree char *path = g_build_filename(DEVICES_DIR, port, NULL);

	return g_file_test(path, G_FILE_TEST_EXISTS);
}

/* built in, or not led out of the computer at all */
static bool
is_socket(const char *interface, const char *entry)
{
	g_autofree char *path = g_build_filename(DEVICES_DIR, interface, entry, "connect_type",
						 NULL);
	g_autofree char *type = rescue_path_read(path, MAX_VALUE, NULL, NULL);

	return type == NULL ||
	       (!g_str_has_prefix(type, "hardwired") && !g_str_has_prefix(type, "not used"));
}

/* the ports of one hub: "usb1-port2" of usb1 is "1-2", "1-2-port4" of 1-2 is "1-2.4" */
static void
add_free_ports(GPtrArray *ports, const char *hub, const char *interface)
{
	g_autofree char *path = g_build_filename(DEVICES_DIR, interface, NULL);
	g_autofree char *prefix = g_strconcat(hub, "-port", NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	bool root = g_str_has_prefix(hub, ROOT_HUB);
	const char *entry;

	while (dir != NULL && (entry = g_dir_read_name(dir)) != NULL) {
		if (!g_str_has_prefix(entry, prefix) || !is_socket(interface, entry))
			continue;
		g_autofree char *port = g_strconcat(root ? hub + strlen(ROOT_HUB) : hub,
						    root ? "-" : ".", entry + strlen(prefix), NULL);
		if (!rescue_host_port_is_used(port))
			g_ptr_array_add(ports, g_steal_pointer(&port));
	}
}

GPtrArray *
rescue_host_list_free_ports(void)
{
	GPtrArray *ports = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = g_dir_open(DEVICES_DIR, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		bool root = g_str_has_prefix(name, ROOT_HUB);
		if (strchr(name, ':') != NULL || read_speed(name) > USB2_MBIT)
			continue;
		g_autofree char *interface = root ? g_strconcat(name + strlen(ROOT_HUB), "-0:1.0",
								NULL)
						  : g_strconcat(name, ":1.0", NULL);
		add_free_ports(ports, name, interface);
	}
	return ports;
}
