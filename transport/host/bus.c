/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>
#include <unistd.h>

#include "core/base/path.h"
#include "transport/host/host.h"

#define DEVICES_DIR  "/sys/bus/usb/devices"
#define APPLE_VENDOR "05ac"
#define MAX_VALUE    256u
/* Apple's keyboards and adapters have the same vendor; phones have these product ids */
#define FIRST_PHONE 0x1220u
#define LAST_PHONE  0x12afu
#define PORT_DFU    0xf014u

enum { HEX = 16, DECIMAL = 10 };

/* caller frees; NULL when it is not there */
static char *
read_value(const char *port, const char *name)
{
	g_autofree char *path = g_build_filename(DEVICES_DIR, port, name, NULL);
	char *text = rescue_path_read(path, MAX_VALUE, NULL, NULL);

	return text != NULL ? g_strstrip(text) : NULL;
}

static unsigned
read_number(const char *port, const char *name, unsigned base)
{
	g_autofree char *text = read_value(port, name);
	guint64 value = 0;

	if (text == NULL || !g_ascii_string_to_unsigned(text, base, 0, G_MAXUINT32, &value, NULL))
		return 0;
	return (unsigned)value;
}

/* " 2.00" is 0x0200 */
static unsigned
read_version(const char *port)
{
	g_autofree char *text = read_value(port, "version");
	g_auto(GStrv) parts = g_strsplit(text != NULL ? text : "", ".", 2);
	guint64 major = 0, minor = 0;

	if (g_strv_length(parts) != 2 ||
	    !g_ascii_string_to_unsigned(parts[0], HEX, 0, HEX - 1, &major, NULL) ||
	    !g_ascii_string_to_unsigned(parts[1], HEX, 0, G_MAXUINT8, &minor, NULL))
		return 0;
	return (unsigned)(major << 8 | minor);
}

static bool
is_phone(const char *port)
{
	g_autofree char *vendor = read_value(port, "idVendor");
	unsigned product = read_number(port, "idProduct", HEX);

	return g_strcmp0(vendor, APPLE_VENDOR) == 0 &&
	       ((product >= FIRST_PHONE && product <= LAST_PHONE) || product == PORT_DFU);
}

static RescueUsbDevice *
read_device(const char *port)
{
	RescueUsbDevice *device = g_new0(RescueUsbDevice, 1);
	unsigned number = read_number(port, "devnum", DECIMAL);

	device->port = g_strdup(port);
	device->bus = read_number(port, "busnum", DECIMAL);
	device->speed_mbit = read_number(port, "speed", DECIMAL);
	device->usb_version = read_version(port);
	device->power_control = read_value(port, "power/control");
	device->node = g_strdup_printf("/dev/bus/usb/%03u/%03u", device->bus, number);
	device->node_denied = access(device->node, R_OK | W_OK) < 0;
	rescue_host_find_holders(device);
	return device;
}

bool
rescue_host_read_bus(GPtrArray *devices)
{
	g_autoptr(GDir) dir = g_dir_open(DEVICES_DIR, 0, NULL);
	const char *name;
	bool any = false;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		any = true;
		if (strchr(name, ':') == NULL && is_phone(name))
			g_ptr_array_add(devices, read_device(name));
	}
	return any;
}
