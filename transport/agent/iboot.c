/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/agent/iboot.h"

#include <string.h>

#include <libusb.h>

#include "core/base/error.h"
#include "core/failure/failure.h"

#define SYSFS_DEVICES   "/sys/bus/usb/devices"
#define APPLE_VENDOR_ID 0x05ac

enum {
	DECIMAL = 10,
	HEX = 16,
	TRANSFER_MS = 5000,
	MAX_COMMAND = 255, /* iBoot's own command line */
	MAX_ANSWER = 255,
	CONFIGURATION = 1,
	COMMAND_INTERFACE = 0,
	REQUEST_OUT = LIBUSB_REQUEST_TYPE_VENDOR | LIBUSB_ENDPOINT_OUT, /* 0x40 */
	REQUEST_IN = LIBUSB_REQUEST_TYPE_VENDOR | LIBUSB_ENDPOINT_IN,   /* 0xc0 */
};

struct RescueIboot {
	libusb_context *context;
	libusb_device_handle *handle;
	bool claimed;
};

static const struct {
	unsigned product_id;
	RescueMode mode;
} modes[] = {
#define RESCUE_PRODUCT_ID(id, mode) { id, RESCUE_MODE_##mode },
#include "core/model/product-id.def"
#undef RESCUE_PRODUCT_ID
};

/** What a library's error number means; the rest is a transfer that failed. */
static const struct {
	int code;
	RescueFailure failure;
} failures[] = {
	{ LIBUSB_ERROR_ACCESS, RESCUE_FAILURE_USB_ACCESS },
	{ LIBUSB_ERROR_BUSY, RESCUE_FAILURE_USB_ACCESS },
	{ LIBUSB_ERROR_NO_DEVICE, RESCUE_FAILURE_USB_LINK_DROPPED },
	{ LIBUSB_ERROR_NOT_FOUND, RESCUE_FAILURE_DEVICE_NOT_FOUND },
	{ LIBUSB_ERROR_TIMEOUT, RESCUE_FAILURE_DEVICE_SILENT },
	{ LIBUSB_ERROR_NO_MEM, RESCUE_FAILURE_HOST_MEMORY },
};

static bool
fail(int code, const char *what, GError **error)
{
	RescueFailure failure = RESCUE_FAILURE_USB_TRANSFER;
	for (size_t i = 0; i < G_N_ELEMENTS(failures); i++)
		if (failures[i].code == code)
			failure = failures[i].failure;
	g_set_error(error, RESCUE_ERROR, (gint)failure, "%s: %s", what, libusb_strerror(code));
	return false;
}

/** An attribute that the kernel read at enumeration, without its newline; caller frees. */
static char *
read_attribute(const char *port, const char *name)
{
	g_autofree char *path = g_build_filename(SYSFS_DEVICES, port, name, NULL);
	char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return NULL;
	return g_strchomp(text);
}

static unsigned
read_number(const char *port, const char *name, guint base)
{
	g_autofree char *text = read_attribute(port, name);
	guint64 value;
	if (text == NULL || !g_ascii_string_to_unsigned(text, base, 0, G_MAXUINT, &value, NULL))
		return 0;
	return (unsigned)value;
}

static bool
is_wanted(const char *port, RescueEcid ecid, RescueDevice *seen)
{
	g_autofree char *serial = NULL;
	unsigned product_id;
	if (strchr(port, ':') != NULL || read_number(port, "idVendor", HEX) != APPLE_VENDOR_ID)
		return false;
	product_id = read_number(port, "idProduct", HEX);
	seen->mode = RESCUE_MODE_UNKNOWN;
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++)
		if (modes[i].product_id == product_id)
			seen->mode = modes[i].mode;
	if (seen->mode == RESCUE_MODE_UNKNOWN)
		return false;
	serial = read_attribute(port, "serial");
	return serial != NULL && rescue_device_read_iboot_serial(seen, serial) &&
	       seen->ecid == ecid;
}

bool
rescue_iboot_find(RescueEcid ecid, RescueDevice *device)
{
	g_autoptr(GDir) dir = g_dir_open(SYSFS_DEVICES, 0, NULL);
	const char *port;
	while (dir != NULL && (port = g_dir_read_name(dir)) != NULL) {
		g_autoptr(RescueDevice) seen = rescue_device_new();
		if (!is_wanted(port, ecid, seen))
			continue;
		seen->place.port = g_strdup(port);
		seen->place.bus = read_number(port, "busnum", DECIMAL);
		seen->place.address = read_number(port, "devnum", DECIMAL);
		seen->place.speed_mbit = read_number(port, "speed", DECIMAL);
		rescue_device_update(device, seen);
		return true;
	}
	return false;
}

/** Opens the one node; the list itself is read from sysfs. */
static int
open_node(RescueIboot *iboot, const RescuePlace *place)
{
	libusb_device **list = NULL;
	ssize_t count = libusb_get_device_list(iboot->context, &list);
	int code = LIBUSB_ERROR_NOT_FOUND;
	for (ssize_t i = 0; i < count && iboot->handle == NULL; i++) {
		if (libusb_get_bus_number(list[i]) == place->bus &&
		    libusb_get_device_address(list[i]) == place->address)
			code = libusb_open(list[i], &iboot->handle);
	}
	if (count >= 0)
		libusb_free_device_list(list, 1);
	return code;
}

/** To hold the interface keeps every other program's transfers out, and tells when one is already at it. */
static int
take_interface(RescueIboot *iboot)
{
	int current = 0;
	int code = libusb_get_configuration(iboot->handle, &current);
	if (code == LIBUSB_SUCCESS && current != CONFIGURATION)
		code = libusb_set_configuration(iboot->handle, CONFIGURATION);
	if (code == LIBUSB_SUCCESS)
		code = libusb_claim_interface(iboot->handle, COMMAND_INTERFACE);
	iboot->claimed = code == LIBUSB_SUCCESS;
	return code;
}

RescueIboot *
rescue_iboot_open(const RescueDevice *device, GError **error)
{
	g_autoptr(RescueIboot) iboot = g_new0(RescueIboot, 1);
	g_autoptr(RescueDevice) again = rescue_device_new();
	int code = libusb_init(&iboot->context);
	if (code == LIBUSB_SUCCESS)
		code = open_node(iboot, &device->place);
	if (code != LIBUSB_SUCCESS) {
		(void)fail(code, "cannot open the device", error);
		return NULL;
	}
	/* the number may have gone to another device between the look and the opening */
	if (!rescue_iboot_find(device->ecid, again) || again->place.bus != device->place.bus ||
	    again->place.address != device->place.address) {
		(void)fail(LIBUSB_ERROR_NO_DEVICE, "the device left while it was opened", error);
		return NULL;
	}
	code = take_interface(iboot);
	if (code != LIBUSB_SUCCESS) {
		(void)fail(code, "cannot take hold of the device", error);
		return NULL;
	}
	return g_steal_pointer(&iboot);
}

void
rescue_iboot_free(RescueIboot *iboot)
{
	if (iboot == NULL)
		return;
	if (iboot->claimed)
		(void)libusb_release_interface(iboot->handle,
					       COMMAND_INTERFACE); /* it may have left */
	if (iboot->handle != NULL)
		libusb_close(iboot->handle);
	if (iboot->context != NULL)
		libusb_exit(iboot->context);
	g_free(iboot);
}

/** A command goes as a vendor request with its text and the NUL as data; a number below 0 is libusb's error. */
static int
send_command(RescueIboot *iboot, const char *command)
{
	unsigned char data[MAX_COMMAND + 1];
	size_t size = strlen(command) + 1;
	g_return_val_if_fail(size <= sizeof data, LIBUSB_ERROR_INVALID_PARAM);
	memcpy(data, command, size);
	return libusb_control_transfer(iboot->handle, REQUEST_OUT, 0, 0, 0, data, (uint16_t)size,
				       TRANSFER_MS);
}

bool
rescue_iboot_command(RescueIboot *iboot, const char *command, GError **error)
{
	int code = send_command(iboot, command);
	if (code >= 0)
		return true;
	g_autofree char *what = g_strdup_printf("the device did not take ‘%s’", command);
	return fail(code, what, error);
}

bool
rescue_iboot_reboot(RescueIboot *iboot, GError **error)
{
	int code = send_command(iboot, "reboot");
	/* the boot loader may be gone before it has acknowledged */
	if (code >= 0 || code == LIBUSB_ERROR_NO_DEVICE || code == LIBUSB_ERROR_PIPE ||
	    code == LIBUSB_ERROR_IO)
		return true;
	return fail(code, "the device did not take ‘reboot’", error);
}

bool
rescue_iboot_usb_reset(RescueIboot *iboot, GError **error)
{
	int code = libusb_reset_device(iboot->handle);
	if (code == LIBUSB_ERROR_NOT_FOUND)
		iboot->claimed = false; /* it has come back as another one */
	return code == LIBUSB_SUCCESS || code == LIBUSB_ERROR_NOT_FOUND ||
	       fail(code, "the device's port was not reset", error);
}

char *
rescue_iboot_getenv(RescueIboot *iboot, const char *name, GError **error)
{
	unsigned char answer[MAX_ANSWER + 1] = { 0 };
	g_autofree char *command = g_strdup_printf("getenv %s", name);
	int size;
	if (!rescue_iboot_command(iboot, command, error))
		return NULL;
	size = libusb_control_transfer(iboot->handle, REQUEST_IN, 0, 0, 0, answer, MAX_ANSWER,
				       TRANSFER_MS);
	if (size < 0) {
		(void)fail(size, "the device did not answer ‘getenv’", error);
		return NULL;
	}
	return g_utf8_make_valid((const char *)answer, -1);
}
