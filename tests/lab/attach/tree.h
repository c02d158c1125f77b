/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The files below a UMOCKDEV_DIR: sysfs as a kernel with an xHCI controller shows a device, its
 * node in /dev and what the preload library wants to know about the node.
 */

typedef struct {
	char *port; /* sysfs name: 1-2, 1-1.4, usb1 */
	unsigned bus, number;
	uint16_t vendor, product_id, bcd_device;
	uint8_t class;
	char *manufacturer, *product, *serial; /* NULL: no such string */
	GBytes *descriptors;
} LabTreeDevice;

void lab_tree_device_clear(LabTreeDevice *device);

/** Makes the empty tree in `root`, an existing directory. */
bool lab_tree_create(const char *root, GError **error);
void lab_tree_destroy(const char *root);
/** The node comes before the entry in /sys/bus/usb/devices, by which programs enumerate. */
bool lab_tree_add(const char *root, const LabTreeDevice *device, GError **error);
void lab_tree_remove(const char *root, const LabTreeDevice *device);

/** "/devices/pci0000:00/…/usb1/1-2"; caller frees. */
char *lab_tree_devpath(const LabTreeDevice *device);
/** "bus/usb/001/005"; caller frees. */
char *lab_tree_node(const LabTreeDevice *device);
/** KEY=value lines of the kernel's uevent; caller frees. `in_file`: as the uevent file has them. */
char *lab_tree_properties(const LabTreeDevice *device, bool in_file);
/** Bus of a port path: 1 for "1-1.4"; 0 when it is none. */
unsigned lab_tree_bus(const char *port);
