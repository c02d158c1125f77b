/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <errno.h>
#include <linux/usbdevice_fs.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#include "tests/lab/attach/usbfs-internal.h"

/*
 * usbfs as a kernel does it (drivers/usb/core/devio.c), as far as libusb asks: claims, URBs that
 * complete when the phone's link has carried them, reaping. The mocked node is always ready for
 * poll(), so a reap that finds nothing is held for a moment: libusb would spin otherwise.
 */

enum { REAP_PATIENCE_MS = 3, LINK_GRAIN_US = 500 };
enum { URB_MAX = 16 << 20, SETUP_SIZE = 8, DIRECTION_IN = 0x80 };
enum { TYPE_MASK = 0x60, TYPE_VENDOR = 0x40, RECIPIENT_MASK = 0x1f, RECIPIENT_INTERFACE = 1 };
enum { SPEED_HIGH = 3 };

typedef struct {
	LabRequest request;
	uint8_t *data;      /* what the client's buffer holds, or will; request.size bytes */
	int64_t arrives_us; /* 0: not on the link yet */
	int status, actual;
} Urb;

typedef struct {
	unsigned long request;
	size_t argument_size; /* bytes to read at the argument; 0: it is a number, or unused */
	LabClientThen run;
	bool without_device; /* also answered after the phone has left */
} Ioctl;

static void
urb_free(void *data)
{
	Urb *urb = data;
	g_free(urb->data);
	g_free(urb);
}

/* ---- completion and reaping ------------------------------------------------------------------ */

static void
write_int(LabClient *client, unsigned long address, int value)
{
	lab_client_write_memory(client, address, &value, sizeof(value));
}

static void
deliver(LabClient *client)
{
	Urb *urb = g_queue_pop_head(&client->done);
	client->vain = false;
	bool control = urb->request.type == USBDEVFS_URB_TYPE_CONTROL;
	bool in = control ? (urb->data[0] & DIRECTION_IN) != 0
			  : (urb->request.endpoint & DIRECTION_IN) != 0;
	size_t offset = control ? SETUP_SIZE : 0;
	if (in && urb->actual > 0)
		lab_client_write_memory(client, urb->request.buffer + offset, urb->data + offset,
					(size_t)urb->actual);
	write_int(client, urb->request.address + offsetof(struct usbdevfs_urb, status),
		  urb->status);
	write_int(client, urb->request.address + offsetof(struct usbdevfs_urb, actual_length),
		  urb->actual);
	lab_client_write_memory(client, client->call.second, &urb->request.address,
				sizeof(urb->request.address));
	urb_free(urb);
	lab_client_done(client, 0, 0);
}

static void
end_reap(LabClient *client)
{
	client->reaping = false;
	if (client->reap_source != 0)
		g_source_remove(client->reap_source);
	client->reap_source = 0;
}

static void
complete(LabClient *client, Urb *urb, int status, int actual)
{
	urb->status = status;
	urb->actual = actual;
	g_queue_push_tail(&client->done, urb);
	if (client->reaping) {
		end_reap(client);
		deliver(client);
	}
}

static gboolean
reap_in_vain(gpointer data)
{
	LabClient *client = data;
	client->reap_source = 0;
	client->reaping = false;
	lab_client_done(client, -1, client->node->phone != NULL ? EAGAIN : ENODEV);
	return G_SOURCE_REMOVE;
}

static void
do_reap(LabClient *client)
{
	if (!g_queue_is_empty(&client->done)) {
		deliver(client);
		return;
	}
	bool waits = client->call.first == USBDEVFS_REAPURB && client->node->phone != NULL;
	/*
	 * libusb reaps once more after each success: only who has something under way, or asks
	 * again, is held
	 */
	bool idle = g_queue_is_empty(&client->waiting) && g_queue_is_empty(&client->parked);
	if (idle && !waits && !client->vain && client->node->phone != NULL) {
		client->vain = true;
		lab_client_done(client, -1, EAGAIN);
		return;
	}
	client->reaping = true;
	if (!waits)
		client->reap_source = g_timeout_add(REAP_PATIENCE_MS, reap_in_vain, client);
}

/* ---- the link -------------------------------------------------------------------------------- */

static LabSetup
setup_of(const uint8_t *bytes)
{
	return (LabSetup){
		.request_type = bytes[0],
		.request = bytes[1],
		.value = (uint16_t)(bytes[2] | bytes[3] << 8),
		.index = (uint16_t)(bytes[4] | bytes[5] << 8),
		.length = (uint16_t)(bytes[6] | bytes[7] << 8),
	};
}

static ssize_t
transfer(LabClient *client, Urb *urb)
{
	LabPhone *phone = client->node->phone;
	if (urb->request.type == USBDEVFS_URB_TYPE_CONTROL) {
		LabSetup setup = setup_of(urb->data);
		return lab_phone_control(phone, &setup, urb->data + SETUP_SIZE,
					 urb->request.size - SETUP_SIZE, client->pid);
	}
	if (urb->request.endpoint & DIRECTION_IN)
		return -EAGAIN; /* the console says nothing */
	return lab_phone_bulk_out(phone, urb->request.endpoint, urb->data, urb->request.size,
				  client->pid);
}

static void
finish(LabClient *client, Urb *urb)
{
	ssize_t rc = transfer(client, urb);
	if (rc == -EAGAIN && client->node->phone != NULL)
		g_queue_push_tail(&client->parked, urb);
	else if (rc == -ENODEV || rc == -EAGAIN)
		complete(client, urb, -ESHUTDOWN, 0);
	else if (rc < 0)
		complete(client, urb, (int)rc, 0);
	else
		complete(client, urb, 0, (int)rc);
}

static void run_link(LabClient *client);

static gboolean
on_arrival(gpointer data)
{
	LabClient *client = data;
	client->link_source = 0;
	run_link(client);
	return G_SOURCE_REMOVE;
}

/* carries what has arrived by now, in order, and sets the clock for what has not */
static void
run_link(LabClient *client)
{
	while (client->link_source == 0 && client->node->phone != NULL) {
		Urb *urb = g_queue_peek_head(&client->waiting);
		if (urb == NULL)
			return;
		if (urb->arrives_us == 0)
			urb->arrives_us = lab_phone_link_carry(client->node->phone,
							       urb->request.size);
		int64_t left_us = urb->arrives_us - g_get_monotonic_time();
		if (left_us > LINK_GRAIN_US) {
			unsigned left_ms = (unsigned)((left_us + 999) / 1000);
			client->link_source = g_timeout_add(left_ms, on_arrival, client);
			return;
		}
		finish(client, g_queue_pop_head(&client->waiting));
	}
}

/* ---- claims ---------------------------------------------------------------------------------- */

/* 0 or an errno; as the kernel, claims on behalf of who just uses the interface */
static int
claim(LabClient *client, unsigned interface)
{
	if (interface >= LAB_INTERFACES)
		return EINVAL;
	LabClient **owner = &client->node->claims[interface];
	if (*owner != NULL && *owner != client)
		return EBUSY;
	*owner = client;
	return 0;
}

static void
release_claims(LabClient *client)
{
	for (unsigned i = 0; i < LAB_INTERFACES; i++) {
		if (client->node->claims[i] == client)
			client->node->claims[i] = NULL;
	}
}

static bool
others_have_claims(const LabClient *client)
{
	for (unsigned i = 0; i < LAB_INTERFACES; i++) {
		if (client->node->claims[i] != NULL && client->node->claims[i] != client)
			return true;
	}
	return false;
}

static void
answer(LabClient *client, int error)
{
	lab_client_done(client, error == 0 ? 0 : -1, error);
}

static unsigned
number_argument(const LabClient *client)
{
	unsigned number = 0;
	memcpy(&number, client->in->data, sizeof(number));
	return number;
}

/* ---- the ioctls ------------------------------------------------------------------------------ */

static void
do_capabilities(LabClient *client)
{
	const uint32_t have = USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_NO_PACKET_SIZE_LIM |
			      USBDEVFS_CAP_BULK_SCATTER_GATHER | USBDEVFS_CAP_REAP_AFTER_DISCONNECT;
	lab_client_write_memory(client, client->call.second, &have, sizeof(have));
	answer(client, 0);
}

static void
do_claim(LabClient *client)
{
	answer(client, claim(client, number_argument(client)));
}

static void
do_release(LabClient *client)
{
	unsigned interface = number_argument(client);
	if (interface >= LAB_INTERFACES || client->node->claims[interface] != client) {
		answer(client, EINVAL);
		return;
	}
	client->node->claims[interface] = NULL;
	answer(client, 0);
}

static void
do_set_configuration(LabClient *client)
{
	answer(client, others_have_claims(client) ? EBUSY : 0);
}

static void
do_accept(LabClient *client)
{
	answer(client, 0);
}

static void
do_no_driver(LabClient *client)
{
	answer(client, ENODATA);
}

static void
do_speed(LabClient *client)
{
	lab_client_done(client, SPEED_HIGH, 0);
}

static void
do_reset(LabClient *client)
{
	answer(client, 0);
	lab_phone_usb_reset(client->node->phone, client->pid);
}

static gint
by_address(gconstpointer data, gconstpointer address)
{
	const Urb *urb = data;
	return urb->request.address == *(const unsigned long *)address ? 0 : 1;
}

static Urb *
take_urb(GQueue *queue, unsigned long address)
{
	GList *item = g_queue_find_custom(queue, &address, by_address);
	if (item == NULL)
		return NULL;
	Urb *urb = item->data;
	g_queue_delete_link(queue, item);
	return urb;
}

static void
do_discard(LabClient *client)
{
	Urb *urb = take_urb(&client->waiting, client->call.second);
	if (urb == NULL)
		urb = take_urb(&client->parked, client->call.second);
	if (urb == NULL) {
		answer(client, EINVAL);
		return;
	}
	answer(client, 0);
	complete(client, urb, -ENOENT, 0);
}

/* 0 or an errno */
static int
check_urb(LabClient *client, const Urb *urb)
{
	if (urb->request.type == USBDEVFS_URB_TYPE_BULK ||
	    urb->request.type == USBDEVFS_URB_TYPE_INTERRUPT)
		return claim(client, urb->request.endpoint == 0x81 || urb->request.endpoint == 0x02
					 ? 1
					 : 0);
	if (urb->request.type != USBDEVFS_URB_TYPE_CONTROL || urb->request.size < SETUP_SIZE)
		return EINVAL;
	LabSetup setup = setup_of(urb->data);
	if (setup.length > urb->request.size - SETUP_SIZE)
		return EINVAL;
	bool interface = (setup.request_type & RECIPIENT_MASK) == RECIPIENT_INTERFACE;
	if (!interface || (setup.request_type & TYPE_MASK) == TYPE_VENDOR)
		return 0;
	return claim(client, setup.index & 0xff);
}

static void
submit(LabClient *client)
{
	Urb *urb = g_new0(Urb, 1);
	urb->request = client->submitted;
	urb->data = g_malloc0(MAX(urb->request.size, (size_t)SETUP_SIZE));
	if (client->in->len == urb->request.size && urb->request.size > 0)
		memcpy(urb->data, client->in->data, urb->request.size);
	int error = client->node->phone != NULL ? check_urb(client, urb) : ENODEV;
	answer(client, error);
	if (error != 0) {
		urb_free(urb);
		return;
	}
	if (urb->request.endpoint & DIRECTION_IN &&
	    urb->request.type != USBDEVFS_URB_TYPE_CONTROL) {
		g_queue_push_tail(&client->parked, urb);
		return;
	}
	g_queue_push_tail(&client->waiting, urb);
	run_link(client);
}

/* false when its size is nonsense */
static bool
parse_request(LabClient *client, LabRequest *request)
{
	const uint8_t *from = client->in->data;
	int size = 0;
	memcpy(&request->type, from + offsetof(struct usbdevfs_urb, type), sizeof(request->type));
	memcpy(&request->endpoint, from + offsetof(struct usbdevfs_urb, endpoint),
	       sizeof(request->endpoint));
	memcpy(&request->buffer, from + offsetof(struct usbdevfs_urb, buffer),
	       sizeof(request->buffer));
	memcpy(&size, from + offsetof(struct usbdevfs_urb, buffer_length), sizeof(size));
	request->address = client->call.second;
	request->size = (size_t)MAX(size, 0);
	return size >= 0 && size <= URB_MAX;
}

static void
do_submit(LabClient *client)
{
	LabRequest *request = &client->submitted;
	if (!parse_request(client, request)) {
		answer(client, EINVAL);
		return;
	}
	bool to_read = request->type == USBDEVFS_URB_TYPE_CONTROL ||
		       !(request->endpoint & DIRECTION_IN);
	if (to_read && request->size > 0) {
		lab_client_read_memory(client, request->buffer, request->size, submit);
		return;
	}
	g_byte_array_set_size(client->in, 0);
	submit(client);
}

static const Ioctl ioctls[] = {
	{ USBDEVFS_GET_CAPABILITIES, 0, do_capabilities, false },
	{ USBDEVFS_CLAIMINTERFACE, sizeof(unsigned), do_claim, false },
	{ USBDEVFS_RELEASEINTERFACE, sizeof(unsigned), do_release, false },
	{ USBDEVFS_SETINTERFACE, sizeof(struct usbdevfs_setinterface), do_accept, false },
	{ USBDEVFS_SETCONFIGURATION, sizeof(unsigned), do_set_configuration, false },
	{ USBDEVFS_CLEAR_HALT, sizeof(unsigned), do_accept, false },
	{ USBDEVFS_RESETEP, sizeof(unsigned), do_accept, false },
	{ USBDEVFS_RESET, 0, do_reset, false },
	{ USBDEVFS_SUBMITURB, sizeof(struct usbdevfs_urb), do_submit, false },
	{ USBDEVFS_DISCARDURB, 0, do_discard, false },
	{ USBDEVFS_REAPURB, 0, do_reap, true },
	{ USBDEVFS_REAPURBNDELAY, 0, do_reap, true },
	{ USBDEVFS_GETDRIVER, 0, do_no_driver, false },
	{ USBDEVFS_IOCTL, 0, do_no_driver, false },
	{ USBDEVFS_DISCONNECT_CLAIM, sizeof(unsigned), do_claim, false },
	{ USBDEVFS_GET_SPEED, 0, do_speed, false },
};

static void
run_handler(LabClient *client)
{
	ioctls[client->handler].run(client);
}

void
lab_client_ioctl(LabClient *client)
{
	for (size_t i = 0; i < G_N_ELEMENTS(ioctls); i++) {
		if (ioctls[i].request != client->call.first)
			continue;
		client->handler = i;
		if (client->node->phone == NULL && !ioctls[i].without_device)
			answer(client, ENODEV);
		else if (ioctls[i].argument_size != 0)
			lab_client_read_memory(client, client->call.second, ioctls[i].argument_size,
					       run_handler);
		else
			ioctls[i].run(client);
		return;
	}
	answer(client, ENOTTY);
}

static void
shut_down(LabClient *client, GQueue *queue)
{
	Urb *urb = NULL;
	while ((urb = g_queue_pop_head(queue)) != NULL)
		complete(client, urb, -ESHUTDOWN, 0);
}

void
lab_client_unplugged(LabClient *client)
{
	if (client->link_source != 0)
		g_source_remove(client->link_source);
	client->link_source = 0;
	release_claims(client);
	shut_down(client, &client->waiting);
	shut_down(client, &client->parked);
	/* a reap that would wait for ever finds the device gone */
	if (client->reaping && client->reap_source == 0)
		client->reap_source = g_timeout_add(REAP_PATIENCE_MS, reap_in_vain, client);
}

void
lab_client_release(LabClient *client)
{
	end_reap(client);
	if (client->link_source != 0)
		g_source_remove(client->link_source);
	client->link_source = 0;
	release_claims(client);
	g_queue_clear_full(&client->waiting, urb_free);
	g_queue_clear_full(&client->parked, urb_free);
	g_queue_clear_full(&client->done, urb_free);
	if (client->node->phone != NULL)
		lab_phone_usb_closed(client->node->phone, client->pid);
}
