/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/phone/phone.h"

#include <errno.h>
#include <string.h>

#include "tests/lab/phone/internal.h"

/*
 * What a phone shows of itself on USB, per mode. Hosts go by product ids, the strings and the
 * endpoints; the rest of the descriptors is plausible, not a capture. libirecovery reads nonces
 * from string 1.
 */

enum { GET_DESCRIPTOR = 6, GET_CONFIGURATION = 8, GET_STATUS = 0, DEVICE_TO_HOST = 0x80 };
enum { TYPE_DEVICE = 1, TYPE_CONFIGURATION = 2, TYPE_STRING = 3 };
enum { DEVICE_SIZE = 18, CONFIGURATION_SIZE = 9, STRING_MAX = 126 };

/* clang-format off: one descriptor a line */
static const uint8_t recovery_interfaces[] = {
	/* interface 0: commands on endpoint 0, files on bulk OUT 4 */
	9,
	4,
	0,
	0,
	1,
	0xfe,
	0xfe,
	2,
	0,
	7,
	5,
	0x04,
	2,
	0x00,
	0x02,
	0,
	/* interface 1: the console, on its alternate setting 1 */
	9,
	4,
	1,
	0,
	0,
	0xff,
	0xff,
	0x51,
	0,
	9,
	4,
	1,
	1,
	2,
	0xff,
	0xff,
	0x51,
	0,
	7,
	5,
	0x81,
	2,
	0x00,
	0x02,
	0,
	7,
	5,
	0x02,
	2,
	0x00,
	0x02,
	0,
};

static const uint8_t dfu_interfaces[] = {
	9,
	4,
	0,
	0,
	0,
	0xfe,
	1,
	0,
	0,
	/* functional descriptor: can download, transfers of 2048 bytes, DFU 1.0 */
	9,
	0x21,
	1,
	10,
	0,
	0x00,
	0x08,
	0x00,
	0x01,
};

static const uint8_t mux_interfaces[] = {
	/* usbmux: class ff, subclass fe, protocol 2 */
	9, 4, 0, 0, 2, 0xff, 0xfe, 2, 0, 7, 5, 0x04, 2, 0x00, 0x02, 0, 7, 5, 0x85, 2, 0x00, 0x02, 0,
};
/* clang-format on */

typedef struct {
	uint16_t pid, bcd_device;
	uint8_t manufacturer, product, serial; /* string indexes */
	const char *product_name;
	const uint8_t *interfaces;
	uint8_t interfaces_size, interface_count;
} Personality;

static const Personality personalities[] = {
	[LAB_MODE_OFF] = { 0, 0, 0, 0, 0, NULL, NULL, 0, 0 },
	[LAB_MODE_NORMAL] = { 0x12a8, 0x0802, 1, 2, 3, "iPhone", mux_interfaces,
			      sizeof(mux_interfaces), 1 },
	[LAB_MODE_RECOVERY] = { 0x1281, 0x0000, 2, 3, 4, "Apple Mobile Device (Recovery Mode)",
				recovery_interfaces, sizeof(recovery_interfaces), 2 },
	[LAB_MODE_DFU] = { 0x1227, 0x0000, 2, 3, 4, "Apple Mobile Device (DFU Mode)",
			   dfu_interfaces, sizeof(dfu_interfaces), 1 },
	[LAB_MODE_RESTORE] = { 0x12a8, 0x0802, 1, 2, 3, "iPhone", mux_interfaces,
			       sizeof(mux_interfaces), 1 },
};

static bool
is_loader(LabMode mode)
{
	return mode == LAB_MODE_RECOVERY || mode == LAB_MODE_DFU;
}

/* A12 and later: the bus shows the UDID without its dash */
static char *
bare_udid(const char *udid)
{
	GString *bare = g_string_new(NULL);
	for (const char *c = udid != NULL ? udid : ""; *c != '\0'; c++) {
		if (*c != '-')
			g_string_append_c(bare, *c);
	}
	return g_string_free(bare, FALSE);
}

static char *
hex(const uint8_t *bytes, size_t size)
{
	GString *text = g_string_sized_new(2 * size);
	for (size_t i = 0; i < size; i++)
		g_string_append_printf(text, "%02X", bytes[i]);
	return g_string_free(text, FALSE);
}

static char *
nonce_string(const LabPhone *phone)
{
	g_autofree char *ap = hex(phone->ap_nonce, phone->ap_nonce_size);
	if (!lab_phone_is_image4(phone))
		return g_strdup_printf("NONC:%s", ap);
	g_autofree char *sep = hex(phone->sep_nonce, sizeof(phone->sep_nonce));
	return g_strdup_printf("NONC:%s SNON:%s", ap, sep);
}

/* IBFL bit 2 tells that the loader wants Image4 files */
static char *
iboot_string(const LabPhone *phone)
{
	bool dfu = phone->mode == LAB_MODE_DFU;
	unsigned flags = lab_phone_is_image4(phone) ? 0x3c : 0x18;
	g_autofree char *tail = dfu ? g_strdup("SRTG:[iBoot-3332.0.0.1.23]")
				    : g_strdup_printf("SRNM:[%s]", phone->id.serial);
	return g_strdup_printf(
	    "CPID:%04X CPRV:11 CPFM:03 SCEP:01 BDID:%02X ECID:%016" G_GINT64_MODIFIER
	    "X IBFL:%02X %s",
	    phone->id.cpid, phone->id.bdid, phone->id.ecid, flags | !dfu, tail);
}

char *
lab_phone_usb_serial(const LabPhone *phone)
{
	return is_loader(phone->mode) ? iboot_string(phone) : bare_udid(phone->id.udid);
}

uint16_t
lab_phone_usb_pid(const LabPhone *phone)
{
	return personalities[phone->mode].pid;
}

char *
lab_phone_usb_string(const LabPhone *phone, unsigned index)
{
	const Personality *self = &personalities[phone->mode];
	if (index == 0 || self->pid == 0)
		return NULL;
	if (index == self->serial)
		return lab_phone_usb_serial(phone);
	if (index == self->product)
		return g_strdup(self->product_name);
	if (index == self->manufacturer)
		return g_strdup("Apple Inc.");
	return index == 1 && is_loader(phone->mode) ? nonce_string(phone) : NULL;
}

GBytes *
lab_phone_usb_descriptors(const LabPhone *phone)
{
	const Personality *self = &personalities[phone->mode];
	uint16_t total = CONFIGURATION_SIZE + self->interfaces_size;
	/* clang-format off */
	const uint8_t device[DEVICE_SIZE] = {
		DEVICE_SIZE, TYPE_DEVICE, 0x00, 0x02, 0, 0, 0, 64, /* USB 2.0 */
		0xac, 0x05, self->pid & 0xff, self->pid >> 8,
		self->bcd_device & 0xff, self->bcd_device >> 8,
		self->manufacturer, self->product, self->serial, 1,
	};
	const uint8_t configuration[CONFIGURATION_SIZE] = {
		CONFIGURATION_SIZE, TYPE_CONFIGURATION, total & 0xff, total >> 8,
		self->interface_count, 1, 0, 0x80, 250, /* 500 mA */
	};
	/* clang-format on */
	GByteArray *all = g_byte_array_new();
	g_byte_array_append(all, device, sizeof(device));
	g_byte_array_append(all, configuration, sizeof(configuration));
	g_byte_array_append(all, self->interfaces, self->interfaces_size);
	return g_byte_array_free_to_bytes(all);
}

/* ---- standard requests ----------------------------------------------------------------------- */

static ssize_t
answer(uint8_t *data, size_t wanted, const uint8_t *from, size_t size)
{
	size_t given = MIN(wanted, size);
	memcpy(data, from, given);
	return (ssize_t)given;
}

static ssize_t
string_descriptor(LabPhone *phone, unsigned index, const LabSetup *setup, uint8_t *data)
{
	if (index == 0) {
		const uint8_t languages[] = { 4, TYPE_STRING, 0x09, 0x04 };
		return answer(data, setup->length, languages, sizeof(languages));
	}
	g_autofree char *text = lab_phone_usb_string(phone, index);
	if (text == NULL)
		return -EPIPE;
	size_t length = MIN(strlen(text), (size_t)STRING_MAX);
	uint8_t descriptor[2 + 2 * STRING_MAX] = { (uint8_t)(2 + 2 * length), TYPE_STRING };
	for (size_t i = 0; i < length; i++)
		descriptor[2 + 2 * i] = (uint8_t)text[i];
	return answer(data, setup->length, descriptor, 2 + 2 * length);
}

static ssize_t
get_descriptor(LabPhone *phone, const LabSetup *setup, uint8_t *data)
{
	g_autoptr(GBytes) all = lab_phone_usb_descriptors(phone);
	size_t size = 0;
	const uint8_t *bytes = g_bytes_get_data(all, &size);
	switch (setup->value >> 8) {
	case TYPE_DEVICE:
		return answer(data, setup->length, bytes, DEVICE_SIZE);
	case TYPE_CONFIGURATION:
		return answer(data, setup->length, bytes + DEVICE_SIZE, size - DEVICE_SIZE);
	case TYPE_STRING:
		return string_descriptor(phone, setup->value & 0xff, setup, data);
	default:
		return -EPIPE;
	}
}

ssize_t
lab_usb_standard(LabPhone *phone, const LabSetup *setup, uint8_t *data)
{
	static const uint8_t one = 1;
	static const uint8_t bus_powered[2] = { 0, 0 };

	if (setup->request_type == DEVICE_TO_HOST && setup->request == GET_DESCRIPTOR)
		return get_descriptor(phone, setup, data);
	if (setup->request_type == DEVICE_TO_HOST && setup->request == GET_CONFIGURATION)
		return answer(data, setup->length, &one, sizeof(one));
	if (setup->request_type == DEVICE_TO_HOST && setup->request == GET_STATUS)
		return answer(data, setup->length, bus_powered, sizeof(bus_powered));
	return -EPIPE;
}

/* ---- what an attachment calls ---------------------------------------------------------------- */

static bool
is_standard(const LabSetup *setup)
{
	return (setup->request_type & 0x60) == 0;
}

ssize_t
lab_phone_control(LabPhone *phone, const LabSetup *setup, uint8_t *data, size_t size, pid_t pid)
{
	if (phone->mode == LAB_MODE_OFF)
		return -ENODEV;
	if (pid == phone->hung_pid)
		return -EAGAIN;
	if (size < setup->length)
		return -EPIPE;
	if (is_standard(setup))
		return lab_usb_standard(phone, setup, data);
	phone->talker = pid;
	if (phone->mode == LAB_MODE_RECOVERY)
		return lab_iboot_control(phone, setup, data, pid);
	if (phone->mode == LAB_MODE_DFU)
		return lab_dfu_control(phone, setup, data, pid);
	return -EPIPE;
}

ssize_t
lab_phone_bulk_out(LabPhone *phone, uint8_t endpoint, const uint8_t *data, size_t size, pid_t pid)
{
	if (phone->mode == LAB_MODE_OFF)
		return -ENODEV;
	if (pid == phone->hung_pid)
		return -EAGAIN;
	phone->talker = pid;
	if (phone->mode == LAB_MODE_RECOVERY && endpoint == 0x04)
		return lab_iboot_bulk_out(phone, data, size, pid);
	return -EPIPE;
}

void
lab_phone_usb_opened(LabPhone *phone, pid_t pid)
{
	g_autofree char *comm = lab_record_comm(pid);
	lab_record_event(phone->record, phone->id.name, "open", "i:pid", (int64_t)pid, "s:comm",
			 comm, "s:mode", lab_mode_name(phone->mode), NULL);
	if (phone->hung_pid == pid)
		phone->hung_pid = 0;
}

void
lab_phone_usb_closed(LabPhone *phone, pid_t pid)
{
	if (phone->mode == LAB_MODE_RECOVERY)
		lab_iboot_end_upload(phone, pid);
}

void
lab_phone_usb_reset(LabPhone *phone, pid_t pid)
{
	if (phone->mode == LAB_MODE_DFU)
		lab_dfu_bus_reset(phone, pid);
}
