/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/devices/watch.h"

#include <string.h>

#include <glib-unix.h>
#include <libudev.h>

#include "core/base/error.h"

#define USB_DEVICES "/sys/bus/usb/devices"

enum { DECIMAL = 10, HEX = 16, MAX_SPEED_MBIT = 100000 };

typedef struct udev_device UdevDevice;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UdevDevice, udev_device_unref)

struct RescueWatch {
	RescueWatchSpec spec;
	struct udev *udev;
	struct udev_monitor *monitor; /* NULL: no events, scans only */
	guint source;
	GHashTable *known; /* port → address */
};

static unsigned
read_number(UdevDevice *device, const char *name, guint base, unsigned max)
{
	const char *text = udev_device_get_sysattr_value(device, name);
	guint64 value;
	if (text == NULL || !g_ascii_string_to_unsigned(text, base, 0, max, &value, NULL))
		return 0;
	return (unsigned)value;
}

/** False when it is none of ours, or has left again. Strings stay the device's. */
static bool
read_sighting(UdevDevice *device, RescueUsbSighting *ret_seen)
{
	unsigned vendor_id = read_number(device, "idVendor", HEX, G_MAXUINT16);
	unsigned product_id = read_number(device, "idProduct", HEX, G_MAXUINT16);
	if (!rescue_usb_is_ours((uint16_t)vendor_id, (uint16_t)product_id))
		return false;
	*ret_seen = (RescueUsbSighting){
		.port = udev_device_get_sysname(device),
		.bus = read_number(device, "busnum", DECIMAL, G_MAXUINT16),
		.address = read_number(device, "devnum", DECIMAL, G_MAXUINT16),
		.speed_mbit = read_number(device, "speed", DECIMAL, MAX_SPEED_MBIT),
		.product_id = (uint16_t)product_id,
		.serial = udev_device_get_sysattr_value(device, "serial"),
	};
	return ret_seen->port != NULL && ret_seen->address != 0;
}

static void
tell_removed(RescueWatch *watch, const char *port)
{
	g_autofree char *copy = g_strdup(port);
	g_hash_table_remove(watch->known, copy);
	watch->spec.removed(copy, watch->spec.data);
}

static void
tell_added(RescueWatch *watch, const RescueUsbSighting *seen)
{
	gpointer address;
	if (g_hash_table_lookup_extended(watch->known, seen->port, NULL, &address) &&
	    GPOINTER_TO_UINT(address) == seen->address)
		return;
	g_hash_table_replace(watch->known, g_strdup(seen->port), GUINT_TO_POINTER(seen->address));
	watch->spec.added(seen, watch->spec.data);
}

/** A late "remove" of an earlier enumeration must not take away what is on the port now. */
static bool
is_of_known(const RescueWatch *watch, UdevDevice *device)
{
	const char *port = udev_device_get_sysname(device);
	const char *text = udev_device_get_property_value(device, "DEVNUM");
	gpointer address;
	guint64 number;
	if (port == NULL || !g_hash_table_lookup_extended(watch->known, port, NULL, &address))
		return false;
	return text == NULL ||
	       !g_ascii_string_to_unsigned(text, DECIMAL, 1, G_MAXUINT16, &number, NULL) ||
	       number == GPOINTER_TO_UINT(address);
}

static gboolean
on_event(gint fd, GIOCondition condition, gpointer data)
{
	RescueWatch *watch = data;
	g_autoptr(UdevDevice) device = udev_monitor_receive_device(watch->monitor);
	const char *action = device != NULL ? udev_device_get_action(device) : NULL;
	RescueUsbSighting seen;
	if (device == NULL)
		rescue_watch_scan(watch); /* an overrun: something was lost */
	else if (g_strcmp0(action, "remove") == 0 && is_of_known(watch, device))
		tell_removed(watch, udev_device_get_sysname(device));
	else if (g_strcmp0(action, "add") == 0 && read_sighting(device, &seen))
		tell_added(watch, &seen);
	return G_SOURCE_CONTINUE;
}

static void
start_monitor(RescueWatch *watch)
{
	watch->monitor = udev_monitor_new_from_netlink(watch->udev, "udev");
	if (watch->monitor == NULL)
		return;
	if (udev_monitor_filter_add_match_subsystem_devtype(watch->monitor, "usb", "usb_device") <
		0 ||
	    udev_monitor_enable_receiving(watch->monitor) < 0) {
		g_clear_pointer(&watch->monitor, udev_monitor_unref);
		return;
	}
	/* before usbmuxd's news: its devices are known to the kernel first */
	watch->source = g_unix_fd_add_full(G_PRIORITY_HIGH, udev_monitor_get_fd(watch->monitor),
					   G_IO_IN, on_event, watch, NULL);
}

static void
see_device(RescueWatch *watch, const char *name, GHashTable *gone)
{
	g_autoptr(UdevDevice)
	    device = udev_device_new_from_subsystem_sysname(watch->udev, "usb", name);
	RescueUsbSighting seen;
	if (device == NULL || !read_sighting(device, &seen))
		return;
	g_hash_table_remove(gone, seen.port);
	tell_added(watch, &seen);
}

RescueWatch *
rescue_watch_new(const RescueWatchSpec *spec, GError **error)
{
	g_autoptr(RescueWatch) watch = g_new0(RescueWatch, 1);
	watch->spec = *spec;
	watch->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	watch->udev = udev_new();
	if (watch->udev == NULL) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
			    "cannot look at this computer's USB devices");
		return NULL;
	}
	/* events first: what comes in between is then told by both, never by none */
	start_monitor(watch);
	rescue_watch_scan(watch);
	return g_steal_pointer(&watch);
}

void
rescue_watch_free(RescueWatch *watch)
{
	if (watch == NULL)
		return;
	g_clear_handle_id(&watch->source, g_source_remove);
	g_clear_pointer(&watch->monitor, udev_monitor_unref);
	g_clear_pointer(&watch->udev, udev_unref);
	g_hash_table_unref(watch->known);
	g_free(watch);
}

/**
 * What is known already costs one small file and no more: every process on this computer looks this often, at each
 * device.
 */
static bool
is_unchanged(const RescueWatch *watch, const char *port)
{
	g_autofree char *path = g_build_filename(USB_DEVICES, port, "devnum", NULL);
	g_autofree char *text = NULL;
	gpointer address = NULL;
	guint64 number = 0;
	if (!g_hash_table_lookup_extended(watch->known, port, NULL, &address) ||
	    !g_file_get_contents(path, &text, NULL, NULL))
		return false;
	return g_ascii_string_to_unsigned(g_strchomp(text), DECIMAL, 1, G_MAXUINT16, &number,
					  NULL) &&
	       number == GPOINTER_TO_UINT(address);
}

void
rescue_watch_scan(RescueWatch *watch)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GDir) dir = g_dir_open(USB_DEVICES, 0, &error);
	g_autoptr(GHashTable) gone = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	GHashTableIter iter;
	gpointer port;
	const char *name;
	if (dir == NULL && !g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
		return;
	g_hash_table_iter_init(&iter, watch->known);
	while (g_hash_table_iter_next(&iter, &port, NULL))
		g_hash_table_add(gone, g_strdup(port));
	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		if (is_unchanged(watch, name))
			g_hash_table_remove(gone, name);
		else if (strchr(name, ':') == NULL) /* an interface of one of them */
			see_device(watch, name, gone);
	}
	g_hash_table_iter_init(&iter, gone);
	while (g_hash_table_iter_next(&iter, &port, NULL))
		tell_removed(watch, port);
}
