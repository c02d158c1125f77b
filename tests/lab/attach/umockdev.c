/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/attach/umockdev.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "tests/lab/attach/tree.h"
#include "tests/lab/attach/uevent.h"
#include "tests/lab/attach/usbfs.h"

#define PRELOAD_LIBRARY "libumockdev-preload.so.0"

enum { APPLE = 0x05ac, NUMBERS_PER_BUS = 127, BUSES = 100, LINGER_MS = 5000 };

/* one phone's present place on the bus; it stays a while after the unplug, see linger() */
typedef struct {
	LabUsb *usb;
	LabPhone *phone; /* NULL once unplugged */
	LabTreeDevice device;
	LabNode *node;
	unsigned linger;
} Plug;

struct LabUsb {
	LabRecord *record;
	char *root;
	LabUevents *uevents;
	LabNode *other_files; /* every other file in /dev that a client opens */
	GList *plugs;
	unsigned last_number[BUSES];
	bool root_hubs;
	bool has_root_hub[BUSES];
};

static void
plug_free(void *data)
{
	Plug *plug = data;
	if (plug->linger != 0)
		g_source_remove(plug->linger);
	lab_node_free(plug->node);
	lab_tree_device_clear(&plug->device);
	g_free(plug);
}

/* ---- the bus --------------------------------------------------------------------------------- */

static bool
is_number_taken(const LabUsb *usb, unsigned bus, unsigned number)
{
	for (const GList *item = usb->plugs; item != NULL; item = item->next) {
		const Plug *plug = item->data;
		if (plug->device.bus == bus && plug->device.number == number)
			return true;
	}
	return false;
}

/* Forgets who left the bus longest ago, new ones are put in front, unless somebody still talks to it. */
static bool
forget_one(LabUsb *usb, unsigned bus)
{
	for (GList *item = g_list_last(usb->plugs); item != NULL; item = item->prev) {
		Plug *plug = item->data;
		if (plug->device.bus != bus || plug->phone != NULL || lab_node_is_open(plug->node))
			continue;
		usb->plugs = g_list_delete_link(usb->plugs, item);
		plug_free(plug);
		return true;
	}
	return false;
}

/*
 * A fresh one each time, as a kernel does; number 1 is the root hub's. Where many phones start at once, those who
 * left a moment ago would keep all numbers of the bus: the first of them is forgotten early. 0: the bus is full.
 */
static unsigned
next_number(LabUsb *usb, unsigned bus)
{
	unsigned number = usb->last_number[bus];
	unsigned tries = 0;
	do {
		number = number < 1 || number >= NUMBERS_PER_BUS ? 2 : number + 1;
		if (++tries % NUMBERS_PER_BUS == 0 && !forget_one(usb, bus))
			return 0;
	} while (is_number_taken(usb, bus, number));
	usb->last_number[bus] = number;
	return number;
}

static void
send_uevent(LabUsb *usb, const char *action, const LabTreeDevice *device)
{
	g_autofree char *devpath = lab_tree_devpath(device);
	g_autofree char *properties = lab_tree_properties(device, false);
	lab_uevents_send(usb->uevents, action, devpath, properties);
}

static void
add_root_hub(LabUsb *usb, unsigned bus)
{
	/* clang-format off: a descriptor a line */
	static const uint8_t hub[] = {
		18, 1, 0x00, 0x02, 9, 0,  1, 64, 0x6b, 0x1d, 0x02, 0x00, 0x00, 0x06, 3,
		2,  1, 1,    9,    2, 25, 0, 1,  1,    0,    0xe0, 0,    9,    4,    0,
		0,  1, 9,    0,    0, 0,  7, 5,  0x81, 3,    4,    0,    12,
	};
	/* clang-format on */
	g_autoptr(GError) error = NULL;
	LabTreeDevice device = {
		.port = g_strdup_printf("usb%u", bus),
		.bus = bus,
		.number = 1,
		.vendor = 0x1d6b,
		.product_id = 0x0002,
		.bcd_device = 0x0600,
		.class = 9,
		.manufacturer = g_strdup("Linux xhci-hcd"),
		.product = g_strdup("xHCI Host Controller"),
		.serial = g_strdup("0000:00:14.0"),
		.descriptors = g_bytes_new_static(hub, sizeof(hub)),
	};
	if (lab_tree_add(usb->root, &device, &error))
		send_uevent(usb, "add", &device);
	else
		g_warning("%s", error->message);
	lab_tree_device_clear(&device);
	usb->has_root_hub[bus] = true;
}

static void
describe(LabTreeDevice *device, const LabPhone *phone, LabUsb *usb)
{
	device->port = g_strdup(lab_phone_identity(phone)->port);
	device->bus = lab_tree_bus(device->port);
	device->number = next_number(usb, device->bus);
	device->vendor = APPLE;
	device->product_id = lab_phone_usb_pid(phone);
	device->descriptors = lab_phone_usb_descriptors(phone);
	const uint8_t *bytes = g_bytes_get_data(device->descriptors, NULL);
	device->class = bytes[4];
	device->bcd_device = (uint16_t)(bytes[12] | bytes[13] << 8);
	device->manufacturer = lab_phone_usb_string(phone, bytes[14]);
	device->product = lab_phone_usb_string(phone, bytes[15]);
	device->serial = lab_phone_usb_string(phone, bytes[16]);
}

static LabNode *
open_node(LabUsb *usb, const LabTreeDevice *device, LabPhone *phone, GError **error)
{
	g_autofree char *name = lab_tree_node(device);
	g_autofree char *path = g_strconcat(usb->root, "/ioctl/dev/", name, NULL);
	g_autofree char *parent = g_path_get_dirname(path);
	if (g_mkdir_with_parents(parent, 0755) < 0) {
		g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
			    "cannot make ‘%s’: %s", parent, g_strerror(errno));
		return NULL;
	}
	return lab_node_new(path, phone, error);
}

/* the socket has to be there before the node: a node without one makes the preload library exit */
static void
usb_plug(void *self, LabPhone *phone)
{
	LabUsb *usb = self;
	g_autoptr(GError) error = NULL;
	unsigned bus = lab_tree_bus(lab_phone_identity(phone)->port);
	if (bus == 0) {
		g_warning("phone ‘%s’ has no USB port like 1-2", lab_phone_identity(phone)->name);
		return;
	}
	if (usb->root_hubs && !usb->has_root_hub[bus])
		add_root_hub(usb, bus);
	Plug *plug = g_new0(Plug, 1);
	plug->usb = usb;
	plug->phone = phone;
	describe(&plug->device, phone, usb);
	if (plug->device.number != 0)
		plug->node = open_node(usb, &plug->device, phone, &error);
	if (plug->node == NULL || !lab_tree_add(usb->root, &plug->device, &error)) {
		g_warning("cannot plug in phone ‘%s’: %s", lab_phone_identity(phone)->name,
			  error != NULL ? error->message : "its bus is full");
		plug_free(plug);
		return;
	}
	usb->plugs = g_list_prepend(usb->plugs, plug);
	send_uevent(usb, "add", &plug->device);
}

/*
 * a process may be between opening the node and its first question: closing the socket would kill
 * it
 */
static gboolean
linger(gpointer data)
{
	Plug *plug = data;
	if (lab_node_is_open(plug->node))
		return G_SOURCE_CONTINUE;
	plug->linger = 0;
	plug->usb->plugs = g_list_remove(plug->usb->plugs, plug);
	plug_free(plug);
	return G_SOURCE_REMOVE;
}

static void
usb_unplug(void *self, LabPhone *phone)
{
	LabUsb *usb = self;
	for (GList *item = usb->plugs; item != NULL; item = item->next) {
		Plug *plug = item->data;
		if (plug->phone != phone)
			continue;
		plug->phone = NULL;
		lab_tree_remove(usb->root, &plug->device);
		lab_node_unplug(plug->node);
		send_uevent(usb, "remove", &plug->device);
		plug->linger = g_timeout_add(LINGER_MS, linger, plug);
		return;
	}
}

const LabAttachment *
lab_usb_attachment(void)
{
	static const LabAttachment attachment = { .plug = usb_plug, .unplug = usb_unplug };
	return &attachment;
}

/* ---- making one ------------------------------------------------------------------------------ */

static bool
have_preload(GError **error)
{
	void *library = dlopen(PRELOAD_LIBRARY, RTLD_LAZY | RTLD_LOCAL);
	if (library == NULL) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
			    PRELOAD_LIBRARY " is not installed (Debian: apt install umockdev)");
		return false;
	}
	dlclose(library);
	return true;
}

LabUsb *
lab_usb_new(LabRecord *record, GError **error)
{
	if (!have_preload(error))
		return NULL;
	g_autofree char *root = g_dir_make_tmp("lab-XXXXXX", error);
	if (root == NULL)
		return NULL;
	g_autoptr(LabUsb) usb = g_new0(LabUsb, 1);
	usb->record = record;
	usb->root = g_steal_pointer(&root);
	usb->uevents = lab_uevents_new(usb->root);
	if (!lab_tree_create(usb->root, error))
		return NULL;
	g_autofree char *socket = g_build_filename(usb->root, "ioctl", "_default", NULL);
	usb->other_files = lab_node_new(socket, NULL, error);
	if (usb->other_files == NULL)
		return NULL;
	return g_steal_pointer(&usb);
}

void
lab_usb_free(LabUsb *usb)
{
	if (usb == NULL)
		return;
	g_list_free_full(g_steal_pointer(&usb->plugs), plug_free);
	lab_node_free(usb->other_files);
	lab_uevents_free(usb->uevents);
	lab_tree_destroy(usb->root);
	g_free(usb->root);
	g_free(usb);
}

const char *
lab_usb_root(const LabUsb *usb)
{
	return usb->root;
}

void
lab_usb_show_root_hubs(LabUsb *usb, bool on)
{
	usb->root_hubs = on;
}

/* what runs in the client beforehand stays behind ours */
static char **
set_preload(char **environment)
{
	const char *before = g_environ_getenv(environment, "LD_PRELOAD");
	g_autofree char *preload = g_strconcat(LAB_BINDFIX_PATH ":" PRELOAD_LIBRARY,
					       before != NULL ? ":" : "",
					       before != NULL ? before : "", NULL);
	return g_environ_setenv(environment, "LD_PRELOAD", preload, TRUE);
}

static char **
relax_asan(char **environment)
{
	const char *before = g_environ_getenv(environment, "ASAN_OPTIONS");
	g_autofree char *options = g_strconcat(before != NULL ? before : "",
					       before != NULL ? ":" : "",
					       "verify_asan_link_order=0", NULL);
	return g_environ_setenv(environment, "ASAN_OPTIONS", options, TRUE);
}

char **
lab_usb_environ(const LabUsb *usb, char **environment)
{
	environment = g_environ_setenv(environment, "UMOCKDEV_DIR", usb->root, TRUE);
	environment = set_preload(environment);
	return relax_asan(environment);
}
