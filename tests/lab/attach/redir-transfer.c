/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/attach/redir-internal.h"

#include <errno.h>
#include <string.h>

/*
 * Control and bulk transfers. What goes to the phone in recovery and DFU mode arrives when its link
 * has carried it; a read waits until there is something. A transfer that is never answered is parked
 * until the machine takes it back.
 */

enum { DIRECTION_IN = 0x80, GET_DESCRIPTOR = 6, TYPE_CONFIGURATION = 2, DEVICE_SIZE = 18 };
enum { LINK_GRAIN_US = 500, TRANSFER_MAX = 16 << 20 };

typedef struct {
	uint64_t id;
	bool is_control;
	struct usb_redir_control_packet_header control;
	struct usb_redir_bulk_packet_header bulk;
	uint8_t *data; /* `size` bytes: what came, or room for what is asked for */
	size_t size;
	int64_t arrives_us; /* 0: not on the link yet */
} Transfer;

static void
transfer_free(void *data)
{
	Transfer *transfer = data;
	g_free(transfer->data);
	g_free(transfer);
}

static bool
is_in(const Transfer *transfer)
{
	uint8_t endpoint = transfer->is_control ? transfer->control.endpoint
						: transfer->bulk.endpoint;
	return (endpoint & DIRECTION_IN) != 0;
}

void
lab_redir_drop_transfers(LabRedirPort *port)
{
	g_clear_handle_id(&port->link_source, g_source_remove);
	g_queue_clear_full(&port->waiting, transfer_free);
	g_queue_clear_full(&port->parked, transfer_free);
}

/* ---- answers --------------------------------------------------------------------------------- */

/* takes the transfer over; `data` NULL: its own */
static void
answer(LabRedirPort *port, Transfer *transfer, uint8_t status, const uint8_t *data, size_t actual)
{
	int carried = is_in(transfer) ? (int)actual : 0;
	uint8_t *payload = data != NULL ? (uint8_t *)data : transfer->data;
	if (carried == 0)
		payload = NULL;
	if (transfer->is_control) {
		transfer->control.status = status;
		transfer->control.length = (uint16_t)actual;
		usbredirparser_send_control_packet(port->parser, transfer->id, &transfer->control,
						   payload, carried);
	} else {
		transfer->bulk.status = status;
		transfer->bulk.length = (uint16_t)actual;
		transfer->bulk.length_high = (uint16_t)(actual >> 16);
		usbredirparser_send_bulk_packet(port->parser, transfer->id, &transfer->bulk,
						payload, carried);
	}
	transfer_free(transfer);
	lab_redir_flush(port);
}

static uint8_t
status_of(ssize_t rc)
{
	if (rc >= 0)
		return usb_redir_success;
	return rc == -EPIPE ? usb_redir_stall : usb_redir_ioerror;
}

/* ---- the phone's answers --------------------------------------------------------------------- */

/* the configuration descriptor is the port's: its packets are smaller at full speed */
static ssize_t
give_configuration(const LabRedirPort *port, uint8_t *data, size_t size)
{
	g_autoptr(GByteArray) all = lab_redir_descriptors(port);
	size_t given = MIN(size, (size_t)all->len - DEVICE_SIZE);
	memcpy(data, all->data + DEVICE_SIZE, given);
	return (ssize_t)given;
}

static ssize_t
run_control(LabRedirPort *port, Transfer *transfer)
{
	const struct usb_redir_control_packet_header *header = &transfer->control;
	LabSetup setup = { .request_type = header->requesttype,
			   .request = header->request,
			   .value = header->value,
			   .index = header->index,
			   .length = header->length };
	if (setup.request_type == DIRECTION_IN && setup.request == GET_DESCRIPTOR &&
	    setup.value == TYPE_CONFIGURATION << 8)
		return give_configuration(port, transfer->data, transfer->size);
	return lab_phone_control(port->phone, &setup, transfer->data, transfer->size, port->pid);
}

static ssize_t
run_bulk_out(LabRedirPort *port, const Transfer *transfer)
{
	if (port->wire == NULL)
		return lab_phone_bulk_out(port->phone, transfer->bulk.endpoint, transfer->data,
					  transfer->size, port->pid);
	lab_wire_received(port->wire, transfer->data, transfer->size);
	return (ssize_t)transfer->size;
}

/* the transfer itself may have taken the phone away: then nobody waits for its answer */
static void
finish(LabRedirPort *port, Transfer *transfer)
{
	const LabPhone *phone = port->phone;
	ssize_t rc = transfer->is_control ? run_control(port, transfer)
					  : run_bulk_out(port, transfer);
	if (port->phone != phone || port->parser == NULL)
		transfer_free(transfer);
	else if (rc == -EAGAIN)
		g_queue_push_tail(&port->parked, transfer);
	else
		answer(port, transfer, status_of(rc), NULL, rc < 0 ? 0 : (size_t)rc);
}

/* ---- the link -------------------------------------------------------------------------------- */

static void run_link(LabRedirPort *port);

static gboolean
on_arrival(void *data)
{
	LabRedirPort *port = data;
	port->link_source = 0;
	run_link(port);
	return G_SOURCE_REMOVE;
}

/*
 * carries what has arrived by now, in order, and sets the clock for what has not; the mux side keeps
 * the link's speed itself
 */
static void
run_link(LabRedirPort *port)
{
	while (port->link_source == 0 && port->phone != NULL) {
		Transfer *transfer = g_queue_peek_head(&port->waiting);
		if (transfer == NULL)
			return;
		if (transfer->arrives_us == 0 && port->wire == NULL)
			transfer->arrives_us = lab_phone_link_carry(port->phone, transfer->size);
		int64_t left_us = transfer->arrives_us - g_get_monotonic_time();
		if (left_us > LINK_GRAIN_US) {
			unsigned left_ms = (unsigned)((left_us + 999) / 1000);
			port->link_source = g_timeout_add(left_ms, on_arrival, port);
			return;
		}
		finish(port, g_queue_pop_head(&port->waiting));
	}
}

void
lab_redir_wire_ready(void *data)
{
	LabRedirPort *port = data;
	while (port->wire != NULL && !g_queue_is_empty(&port->parked)) {
		g_autoptr(GBytes) packet = lab_wire_take(port->wire);
		if (packet == NULL)
			return;
		size_t size = 0;
		const uint8_t *bytes = g_bytes_get_data(packet, &size);
		Transfer *transfer = g_queue_pop_head(&port->parked);
		answer(port, transfer, usb_redir_success, bytes, MIN(size, transfer->size));
	}
}

/* ---- packets from the machine ---------------------------------------------------------------- */

/* takes `data` over, which may be NULL */
static Transfer *
transfer_new(LabRedirPort *port, uint64_t id, size_t size, uint8_t *data, int data_size)
{
	Transfer *transfer = g_new0(Transfer, 1);
	transfer->id = id;
	transfer->size = MIN(size, (size_t)TRANSFER_MAX);
	transfer->data = g_malloc0(MAX(transfer->size, (size_t)1));
	if (data != NULL && data_size > 0)
		memcpy(transfer->data, data, MIN((size_t)data_size, transfer->size));
	usbredirparser_free_packet_data(port->parser, data);
	return transfer;
}

static void
begin(LabRedirPort *port, Transfer *transfer)
{
	if (port->phone == NULL || !port->announced) {
		transfer_free(transfer); /* sent before the machine knew that the phone is gone */
	} else if (!transfer->is_control && is_in(transfer)) {
		g_queue_push_tail(&port->parked, transfer);
		lab_redir_wire_ready(port);
	} else {
		g_queue_push_tail(&port->waiting, transfer);
		run_link(port);
	}
}

static void
on_control(void *data, uint64_t id, struct usb_redir_control_packet_header *header,
	   uint8_t *payload, int size)
{
	LabRedirPort *port = data;
	Transfer *transfer = transfer_new(port, id, header->length, payload, size);
	transfer->is_control = true;
	transfer->control = *header;
	begin(port, transfer);
}

static void
on_bulk(void *data, uint64_t id, struct usb_redir_bulk_packet_header *header, uint8_t *payload,
	int size)
{
	LabRedirPort *port = data;
	size_t length = header->length | (size_t)header->length_high << 16;
	Transfer *transfer = transfer_new(port, id, length, payload, size);
	transfer->bulk = *header;
	begin(port, transfer);
}

static void
cancel_in(LabRedirPort *port, GQueue *queue, uint64_t id)
{
	for (GList *item = queue->head; item != NULL; item = item->next) {
		Transfer *transfer = item->data;
		if (transfer->id != id)
			continue;
		g_queue_delete_link(queue, item);
		answer(port, transfer, usb_redir_cancelled, NULL, 0);
		return;
	}
}

static void
on_cancel(void *data, uint64_t id)
{
	LabRedirPort *port = data;
	cancel_in(port, &port->waiting, id);
	cancel_in(port, &port->parked, id);
}

void
lab_redir_set_transfer_callbacks(struct usbredirparser *parser)
{
	parser->control_packet_func = on_control;
	parser->bulk_packet_func = on_bulk;
	parser->cancel_data_packet_func = on_cancel;
}
