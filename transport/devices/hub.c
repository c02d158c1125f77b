/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/devices/hub.h"

#include <fcntl.h>
#include <glib.h>
#include <linux/usbdevice_fs.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NODES     "/dev/bus/usb"
#define ANSWER_MS 1000

enum {
	DESCRIPTOR_SIZE =
	    5, /* up to wHubCharacteristics; what follows depends on the number of ports */
	TYPE_HUB = 0x29,
	TYPE_FAST_HUB = 0x2a,
	FAST_MBITS = 5000,
	GET_DESCRIPTOR = 6,
	FROM_DEVICE_CLASS = 0xa0, /* bmRequestType */
	MAX_NUMBER = 999,         /* of a bus or a device, in the name of a node */
};

RescueHubSwitching
rescue_hub_read(const uint8_t *descriptor, size_t size)
{
	static const RescueHubSwitching modes[] = { RESCUE_HUB_GANGED, RESCUE_HUB_SINGLE,
						    RESCUE_HUB_UNSWITCHED, RESCUE_HUB_UNSWITCHED };

	if (size < DESCRIPTOR_SIZE || (descriptor[1] != TYPE_HUB && descriptor[1] != TYPE_FAST_HUB))
		return RESCUE_HUB_UNKNOWN;
	return modes[descriptor[3] & 3];
}

static bool
read_number(const char *sysfs, const char *hub, const char *attribute, unsigned max,
	    unsigned *ret_number)
{
	g_autofree char *path = g_build_filename(sysfs, "bus/usb/devices", hub, attribute, NULL);
	g_autofree char *text = NULL;
	guint64 number = 0;

	if (!g_file_get_contents(path, &text, NULL, NULL) ||
	    !g_ascii_string_to_unsigned(g_strchomp(text), 10, 0, max, &number, NULL))
		return false;
	*ret_number = (unsigned)number;
	return true;
}

/** The first bytes of its class descriptor; how many there are, negative: none. */
static int
fetch_descriptor(int fd, unsigned type, uint8_t descriptor[DESCRIPTOR_SIZE])
{
	struct usbdevfs_ctrltransfer transfer = {
		.bRequestType = FROM_DEVICE_CLASS,
		.bRequest = GET_DESCRIPTOR,
		.wValue = (uint16_t)(type << 8),
		.wLength = DESCRIPTOR_SIZE,
		.timeout = ANSWER_MS,
		.data = descriptor,
	};

	return ioctl(fd, USBDEVFS_CONTROL, &transfer);
}

RescueHubSwitching
rescue_hub_ask(const char *sysfs, const char *hub)
{
	uint8_t descriptor[DESCRIPTOR_SIZE] = { 0 };
	unsigned bus = 0, device = 0, mbits = 0;

	if (!read_number(sysfs, hub, "busnum", MAX_NUMBER, &bus) ||
	    !read_number(sysfs, hub, "devnum", MAX_NUMBER, &device))
		return RESCUE_HUB_UNKNOWN;
	(void)read_number(sysfs, hub, "speed", G_MAXUINT, &mbits); /* "1.5" is no hub's */
	g_autofree char *node = g_strdup_printf(NODES "/%03u/%03u", bus, device);
	int fd = open(node, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return RESCUE_HUB_UNKNOWN;
	int size = fetch_descriptor(fd, mbits >= FAST_MBITS ? TYPE_FAST_HUB : TYPE_HUB, descriptor);
	(void)close(fd);
	return size < 0 ? RESCUE_HUB_UNKNOWN : rescue_hub_read(descriptor, (size_t)size);
}
