/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/attach/redir-internal.h"

#include <string.h>

/*
 * What the machine is told of the device beside its transfers: its interfaces and endpoints,
 * configurations, bus resets. QEMU answers SET_ADDRESS itself and sends these requests in packets
 * of their own.
 */

enum { TYPE_INTERFACE = 4, TYPE_ENDPOINT = 5, DEVICE_SIZE = 18, ABSENT = 255 };
enum { DIRECTION_IN = 0x80, FULL_SPEED_PACKET = 64 };

/* where the protocol keeps endpoint 0x81: OUT 0 to 15, then IN 0 to 15 */
static unsigned
endpoint_index(uint8_t address)
{
	return (address & DIRECTION_IN ? 16U : 0U) | (address & 15U);
}

typedef void (*Visit)(const uint8_t *descriptor, const uint8_t *interface, void *data);

/* each descriptor of the configuration with the interface descriptor that it belongs to */
static void
walk(const GByteArray *all, Visit visit, void *data)
{
	const uint8_t *interface = NULL;
	for (guint at = DEVICE_SIZE; at + 1 < all->len && all->data[at] >= 2; at += all->data[at]) {
		if (all->data[at + 1] == TYPE_INTERFACE)
			interface = all->data + at;
		visit(all->data + at, interface, data);
	}
}

GByteArray *
lab_redir_descriptors(const LabRedirPort *port)
{
	GBytes *bytes = lab_phone_usb_descriptors(port->phone);
	GByteArray *all = g_bytes_unref_to_array(bytes);
	for (guint at = DEVICE_SIZE; port->full_speed && at + 6 < all->len && all->data[at] >= 2;
	     at += all->data[at]) {
		if (all->data[at + 1] != TYPE_ENDPOINT)
			continue;
		all->data[at + 4] = FULL_SPEED_PACKET;
		all->data[at + 5] = 0;
	}
	return all;
}

typedef struct {
	const LabRedirPort *port;
	struct usb_redir_interface_info_header interfaces;
	struct usb_redir_ep_info_header endpoints;
} Info;

static bool
is_current(const Info *info, const uint8_t *interface)
{
	return interface != NULL && interface[2] < LAB_REDIR_INTERFACES &&
	       info->port->alt[interface[2]] == interface[3];
}

static void
add_interface(Info *info, const uint8_t *interface)
{
	uint32_t i = info->interfaces.interface_count++;
	info->interfaces.interface[i] = interface[2];
	info->interfaces.interface_class[i] = interface[5];
	info->interfaces.interface_subclass[i] = interface[6];
	info->interfaces.interface_protocol[i] = interface[7];
}

static void
add_endpoint(Info *info, const uint8_t *endpoint, const uint8_t *interface)
{
	unsigned i = endpoint_index(endpoint[2]);
	info->endpoints.type[i] = endpoint[3] & 3;
	info->endpoints.interval[i] = endpoint[6];
	info->endpoints.interface[i] = interface[2];
	info->endpoints.max_packet_size[i] = (uint16_t)(endpoint[4] | endpoint[5] << 8);
}

static void
add_to_info(const uint8_t *descriptor, const uint8_t *interface, void *data)
{
	Info *info = data;
	if (!is_current(info, interface))
		return;
	if (descriptor[1] == TYPE_INTERFACE)
		add_interface(info, descriptor);
	else if (descriptor[1] == TYPE_ENDPOINT)
		add_endpoint(info, descriptor, interface);
}

static void
send_info(LabRedirPort *port)
{
	g_autoptr(GByteArray) all = lab_redir_descriptors(port);
	Info info = { .port = port };
	memset(info.endpoints.type, usb_redir_type_invalid, sizeof info.endpoints.type);
	info.endpoints.type[endpoint_index(0)] = usb_redir_type_control;
	info.endpoints.type[endpoint_index(DIRECTION_IN)] = usb_redir_type_control;
	info.endpoints.max_packet_size[endpoint_index(0)] = FULL_SPEED_PACKET;
	info.endpoints.max_packet_size[endpoint_index(DIRECTION_IN)] = FULL_SPEED_PACKET;
	walk(all, add_to_info, &info);
	usbredirparser_send_interface_info(port->parser, &info.interfaces);
	usbredirparser_send_ep_info(port->parser, &info.endpoints);
}

static bool
has_mux(const LabPhone *phone)
{
	return lab_phone_mode(phone) == LAB_MODE_NORMAL ||
	       lab_phone_mode(phone) == LAB_MODE_RESTORE;
}

static void
begin_wire(LabRedirPort *port)
{
	g_clear_pointer(&port->wire, lab_wire_free);
	if (has_mux(port->phone))
		port->wire = lab_wire_new(port->phone, port->pid, lab_redir_wire_ready, port);
}

void
lab_redir_announce(LabRedirPort *port)
{
	g_autoptr(GByteArray) all = lab_redir_descriptors(port);
	const uint8_t *device = all->data;
	port->announced = true;
	port->was_reset = false;
	port->configuration = 0;
	memset(port->alt, 0, sizeof port->alt);
	begin_wire(port);
	send_info(port);
	usbredirparser_send_device_connect(
	    port->parser,
	    &(struct usb_redir_device_connect_header){
		.speed = port->full_speed ? usb_redir_speed_full : usb_redir_speed_high,
		.device_class = device[4],
		.device_subclass = device[5],
		.device_protocol = device[6],
		.vendor_id = (uint16_t)(device[8] | device[9] << 8),
		.product_id = (uint16_t)(device[10] | device[11] << 8),
		.device_version_bcd = (uint16_t)(device[12] | device[13] << 8) });
	lab_redir_flush(port);
}

/* ---- requests that have packets of their own ------------------------------------------------- */

static void
on_reset(void *data)
{
	LabRedirPort *port = data;
	if (port->phone == NULL)
		return;
	/* those that are part of its enumeration say nothing */
	if (port->configuration != 0) {
		lab_record_event(lab_phone_record(port->phone),
				 lab_phone_identity(port->phone)->name, "reset", "s:port",
				 port->name, NULL);
		port->was_reset = true;
	}
	port->configuration = 0;
	memset(port->alt, 0, sizeof port->alt);
	/* the host has forgotten its connections, so the phone does too */
	if (port->wire != NULL)
		begin_wire(port);
}

/*
 * A phone in DFU mode leaves the bus because of a reset. It has to wait until the kernel is through
 * with it: QEMU's xHCI does not fail a request to a device that has just left, so the kernel would
 * wait a minute for descriptors.
 */
static void
end_reset(LabRedirPort *port)
{
	if (!port->was_reset)
		return;
	port->was_reset = false;
	lab_phone_usb_reset(port->phone, port->pid);
}

static void
send_configuration(LabRedirPort *port, uint64_t id, uint8_t status)
{
	usbredirparser_send_configuration_status(port->parser, id,
						 &(struct usb_redir_configuration_status_header){
						     .status = status,
						     .configuration = port->configuration });
}

static void
on_set_configuration(void *data, uint64_t id, struct usb_redir_set_configuration_header *header)
{
	LabRedirPort *port = data;
	if (port->phone == NULL)
		return;
	if (header->configuration > 1) {
		send_configuration(port, id, usb_redir_stall);
		return;
	}
	port->configuration = header->configuration;
	memset(port->alt, 0, sizeof port->alt);
	send_info(port);
	send_configuration(port, id, usb_redir_success);
	if (port->configuration != 0)
		end_reset(port);
}

static void
on_get_configuration(void *data, uint64_t id)
{
	LabRedirPort *port = data;
	if (port->phone != NULL)
		send_configuration(port, id, usb_redir_success);
}

static void
send_alt(LabRedirPort *port, uint64_t id, uint8_t interface, uint8_t status)
{
	uint8_t alt = interface < LAB_REDIR_INTERFACES ? port->alt[interface] : 0;
	usbredirparser_send_alt_setting_status(port->parser, id,
					       &(struct usb_redir_alt_setting_status_header){
						   .status = status,
						   .interface = interface,
						   .alt = alt });
}

static void
look_for_alt(const uint8_t *descriptor, const uint8_t *interface, void *data)
{
	int *wanted = data; /* interface and setting; -1 once found */
	if (descriptor[1] == TYPE_INTERFACE && descriptor[2] == wanted[0] &&
	    descriptor[3] == wanted[1])
		wanted[0] = -1;
}

/*
 * The nearest there is to a process opening the device: libirecovery does it each time it opens
 * one.
 */
static void
on_set_alt(void *data, uint64_t id, struct usb_redir_set_alt_setting_header *header)
{
	LabRedirPort *port = data;
	int wanted[2] = { header->interface, header->alt };
	if (port->phone == NULL)
		return;
	g_autoptr(GByteArray) all = lab_redir_descriptors(port);
	walk(all, look_for_alt, wanted);
	if (wanted[0] != -1 || header->interface >= LAB_REDIR_INTERFACES) {
		send_alt(port, id, header->interface, usb_redir_stall);
		return;
	}
	port->alt[header->interface] = header->alt;
	lab_phone_usb_opened(port->phone, port->pid);
	send_info(port);
	send_alt(port, id, header->interface, usb_redir_success);
}

static void
on_get_alt(void *data, uint64_t id, struct usb_redir_get_alt_setting_header *header)
{
	LabRedirPort *port = data;
	if (port->phone != NULL)
		send_alt(port, id, header->interface, usb_redir_success);
}

void
lab_redir_set_device_callbacks(struct usbredirparser *parser)
{
	parser->reset_func = on_reset;
	parser->set_configuration_func = on_set_configuration;
	parser->get_configuration_func = on_get_configuration;
	parser->set_alt_setting_func = on_set_alt;
	parser->get_alt_setting_func = on_get_alt;
}
