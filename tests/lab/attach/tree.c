/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/attach/tree.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#define CONTROLLER "/devices/pci0000:00/0000:00:14.0"

enum { USB_MAJOR = 189, DEVICES_PER_BUS = 128 };

void
lab_tree_device_clear(LabTreeDevice *device)
{
	g_free(device->port);
	g_free(device->manufacturer);
	g_free(device->product);
	g_free(device->serial);
	g_clear_pointer(&device->descriptors, g_bytes_unref);
	memset(device, 0, sizeof(*device));
}

unsigned
lab_tree_bus(const char *port)
{
	guint64 bus = 0;
	const char *dash = port != NULL ? strchr(port, '-') : NULL;
	if (dash == NULL)
		return 0;
	g_autofree char *head = g_strndup(port, (gsize)(dash - port));
	return g_ascii_string_to_unsigned(head, 10, 1, 99, &bus, NULL) ? (unsigned)bus : 0;
}

static bool
is_root_hub(const LabTreeDevice *device)
{
	return strchr(device->port, '-') == NULL;
}

/* 1-1.4 hangs below 1-1, which is a directory without being a device */
char *
lab_tree_devpath(const LabTreeDevice *device)
{
	GString *path = g_string_new(NULL);
	g_string_printf(path, CONTROLLER "/usb%u", device->bus);
	if (is_root_hub(device))
		return g_string_free(path, FALSE);
	for (const char *dot = strchr(device->port, '.'); dot != NULL; dot = strchr(dot + 1, '.'))
		g_string_append_printf(path, "/%.*s", (int)(dot - device->port), device->port);
	g_string_append_printf(path, "/%s", device->port);
	return g_string_free(path, FALSE);
}

char *
lab_tree_node(const LabTreeDevice *device)
{
	return g_strdup_printf("bus/usb/%03u/%03u", device->bus, device->number);
}

static unsigned
minor_of(const LabTreeDevice *device)
{
	return (device->bus - 1) * DEVICES_PER_BUS + device->number - 1;
}

char *
lab_tree_properties(const LabTreeDevice *device, bool in_file)
{
	g_autofree char *node = lab_tree_node(device);
	return g_strdup_printf("MAJOR=%d\nMINOR=%u\nDEVNAME=%s%s\nDEVTYPE=usb_device\nDRIVER=usb\n"
			       "PRODUCT=%x/%x/%x\nTYPE=%u/0/0\nBUSNUM=%03u\nDEVNUM=%03u\n",
			       (int)USB_MAJOR, minor_of(device), in_file ? "" : "/dev/", node,
			       device->vendor, device->product_id, device->bcd_device,
			       device->class, device->bus, device->number);
}

/* ---- files ----------------------------------------------------------------------------------- */

static bool
fail(const char *path, GError **error)
{
	int saved = errno;
	g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(saved), "cannot make ‘%s’: %s",
		    path, g_strerror(saved));
	return false;
}

static bool
make_directory(const char *root, const char *name, GError **error)
{
	g_autofree char *path = g_build_filename(root, name, NULL);
	return g_mkdir_with_parents(path, 0755) == 0 || fail(path, error);
}

static bool
make_link(const char *root, const char *name, const char *target, GError **error)
{
	g_autofree char *path = g_build_filename(root, name, NULL);
	(void)unlink(path); /* left by a device that had the name before */
	return symlink(target, path) == 0 || fail(path, error);
}

G_GNUC_PRINTF(3, 4)
static bool
write_attribute(const char *directory, const char *name, const char *format, ...)
{
	va_list values;
	va_start(values, format);
	g_autofree char *text = g_strdup_vprintf(format, values);
	va_end(values);
	g_autofree char *path = g_build_filename(directory, name, NULL);
	g_autofree char *line = g_strconcat(text, "\n", NULL);
	return g_file_set_contents_full(path, line, -1, G_FILE_SET_CONTENTS_NONE, 0644, NULL);
}

static void
remove_tree(const char *path)
{
	g_autoptr(GDir) dir = NULL;
	if (!g_file_test(path, G_FILE_TEST_IS_SYMLINK))
		dir = g_dir_open(path, 0, NULL);
	const char *name = NULL;
	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *inner = g_build_filename(path, name, NULL);
		remove_tree(inner);
	}
	(void)g_remove(path); /* what is left shows up as a directory left behind */
}

static const char *const directories[] = {
	"sys/bus/usb/devices", "sys/bus/usb/drivers", "sys/class", "sys/dev/char",
	"dev/.node",           "dev/bus/usb",         "ioctl",
};

bool
lab_tree_create(const char *root, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(directories); i++) {
		if (!make_directory(root, directories[i], error))
			return false;
	}
	return true;
}

void
lab_tree_destroy(const char *root)
{
	remove_tree(root);
}

/* ---- one device ------------------------------------------------------------------------------ */

/* "2" of 1-2, "1.4" of 1-1.4, "0" of a root hub */
static const char *
devpath_attribute(const LabTreeDevice *device)
{
	const char *dash = strchr(device->port, '-');
	return dash != NULL ? dash + 1 : "0";
}

static bool
write_strings(const char *dir, const LabTreeDevice *device)
{
	return (device->manufacturer == NULL ||
		write_attribute(dir, "manufacturer", "%s", device->manufacturer)) &&
	       (device->product == NULL ||
		write_attribute(dir, "product", "%s", device->product)) &&
	       (device->serial == NULL || write_attribute(dir, "serial", "%s", device->serial));
}

static bool
write_numbers(const char *dir, const LabTreeDevice *device)
{
	return write_attribute(dir, "idVendor", "%04x", device->vendor) &&
	       write_attribute(dir, "idProduct", "%04x", device->product_id) &&
	       write_attribute(dir, "bcdDevice", "%04x", device->bcd_device) &&
	       write_attribute(dir, "bDeviceClass", "%02x", device->class) &&
	       write_attribute(dir, "bDeviceSubClass", "00") &&
	       write_attribute(dir, "bDeviceProtocol", "00") &&
	       write_attribute(dir, "bConfigurationValue", "1") &&
	       write_attribute(dir, "bNumConfigurations", "1") &&
	       write_attribute(dir, "bMaxPacketSize0", "64") &&
	       write_attribute(dir, "bMaxPower", "500mA") &&
	       write_attribute(dir, "authorized", "1") && write_attribute(dir, "maxchild", "0") &&
	       write_attribute(dir, "version", " 2.00") && write_attribute(dir, "speed", "480") &&
	       write_attribute(dir, "busnum", "%u", device->bus) &&
	       write_attribute(dir, "devnum", "%u", device->number) &&
	       write_attribute(dir, "devpath", "%s", devpath_attribute(device)) &&
	       write_attribute(dir, "dev", "%d:%u", (int)USB_MAJOR, minor_of(device));
}

static bool
write_blobs(const char *dir, const LabTreeDevice *device)
{
	size_t size = 0;
	const char *bytes = g_bytes_get_data(device->descriptors, &size);
	g_autofree char *uevent = lab_tree_properties(device, true);
	g_autofree char *uevent_path = g_build_filename(dir, "uevent", NULL);
	g_autofree char *descriptors_path = g_build_filename(dir, "descriptors", NULL);
	return g_file_set_contents_full(descriptors_path, bytes, (gssize)size,
					G_FILE_SET_CONTENTS_NONE, 0644, NULL) &&
	       g_file_set_contents_full(uevent_path, uevent, -1, G_FILE_SET_CONTENTS_NONE, 0644,
					NULL);
}

/* "../../.." from the device's directory up to /sys */
static char *
way_up(const char *devpath, const char *rest)
{
	GString *way = g_string_new(NULL);
	for (const char *c = devpath; *c != '\0'; c++) {
		if (*c == '/')
			g_string_append(way, "../");
	}
	g_string_append(way, rest);
	return g_string_free(way, FALSE);
}

typedef struct {
	char *devpath, *directory, *node, *node_link, *char_link, *bus_link;
} Names;

static void
names_clear(Names *names)
{
	g_free(names->devpath);
	g_free(names->directory);
	g_free(names->node);
	g_free(names->node_link);
	g_free(names->char_link);
	g_free(names->bus_link);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Names, names_clear)

static void
names_init(Names *names, const char *root, const LabTreeDevice *device)
{
	g_autofree char *node = lab_tree_node(device);
	g_autofree char *flat = g_strdelimit(g_strdup(node), "/", '_');
	names->devpath = lab_tree_devpath(device);
	names->directory = g_strconcat(root, "/sys", names->devpath, NULL);
	names->node = g_strconcat(root, "/dev/", node, NULL);
	names->node_link = g_strconcat("dev/.node/", flat, NULL);
	names->char_link = g_strdup_printf("sys/dev/char/%d:%u", (int)USB_MAJOR, minor_of(device));
	names->bus_link = g_strconcat("sys/bus/usb/devices/", device->port, NULL);
}

static bool
write_node(const Names *names, const char *root, const LabTreeDevice *device, GError **error)
{
	size_t size = 0;
	const char *bytes = g_bytes_get_data(device->descriptors, &size);
	g_autofree char *parent = g_path_get_dirname(names->node);
	g_autofree char *numbers = g_strdup_printf("%d:%u", (int)USB_MAJOR, minor_of(device));
	return make_directory(parent, "", error) &&
	       make_link(root, names->node_link, numbers, error) &&
	       g_file_set_contents_full(names->node, bytes, (gssize)size, G_FILE_SET_CONTENTS_NONE,
					0664, error);
}

bool
lab_tree_add(const char *root, const LabTreeDevice *device, GError **error)
{
	g_auto(Names) names = { 0 };
	names_init(&names, root, device);
	g_autofree char *subsystem = way_up(names.devpath, "bus/usb");
	g_autofree char *from_bus = g_strconcat("../../..", names.devpath, NULL);
	g_autofree char *from_char = g_strconcat("../..", names.devpath, NULL);

	if (!make_directory(names.directory, "", error))
		return false;
	if (!write_numbers(names.directory, device) || !write_strings(names.directory, device) ||
	    !write_blobs(names.directory, device))
		return fail(names.directory, error);
	return make_link(names.directory, "subsystem", subsystem, error) &&
	       write_node(&names, root, device, error) &&
	       make_link(root, names.char_link, from_char, error) &&
	       make_link(root, names.bus_link, from_bus, error);
}

static void
unlink_below(const char *root, const char *name)
{
	g_autofree char *path = g_build_filename(root, name, NULL);
	(void)unlink(path);
}

void
lab_tree_remove(const char *root, const LabTreeDevice *device)
{
	g_auto(Names) names = { 0 };
	names_init(&names, root, device);
	unlink_below(root, names.bus_link);
	unlink_below(root, names.char_link);
	(void)unlink(names.node);
	unlink_below(root, names.node_link);
	remove_tree(names.directory);
}
