/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/attach/wire-connection.h"

enum {
	WINDOW = 128 * 1024,
	WINDOW_UNIT = 256,
	/* with the headers below 16384 bytes, above which usbmuxd puts pieces together */
	PAYLOAD_MAX = 16 * 1024 - 64,
};

struct LabWireConnection {
	const LabWireOwner *owner; /* NULL once it has ended */
	void *owner_data;
	uint16_t host_port, phone_port;
	uint32_t sent, acked; /* numbers of our bytes: the next to send, the host has all before */
	uint32_t host_window;
	uint32_t received;    /* number of the host's next byte */
	LabChannel *channel;  /* NULL until the phone has accepted */
	bool established;     /* the host knows of it */
	bool paused;          /* back-pressure: what comes is kept in `in` */
	bool closing;         /* the phone has closed: what is in `out` still goes */
	GByteArray *in, *out; /* not delivered yet, not sent yet */
	unsigned idle_source;
};

static void
connection_clear(void *data)
{
	LabWireConnection *connection = data;
	g_byte_array_unref(connection->in);
	g_byte_array_unref(connection->out);
}

LabWireConnection *
lab_wire_connection_ref(LabWireConnection *connection)
{
	return g_rc_box_acquire(connection);
}

void
lab_wire_connection_unref(LabWireConnection *connection)
{
	g_rc_box_release_full(connection, connection_clear);
}

bool
lab_wire_connection_is(const LabWireConnection *connection, uint16_t host_port, uint16_t phone_port)
{
	return connection->host_port == host_port && connection->phone_port == phone_port;
}

void
lab_wire_connection_drop(LabWireConnection *connection)
{
	if (connection->owner == NULL)
		return;
	const LabWireOwner *owner = g_steal_pointer(&connection->owner);
	g_clear_handle_id(&connection->idle_source, g_source_remove);
	LabChannel *channel = g_steal_pointer(&connection->channel);
	if (channel != NULL)
		lab_channel_closed(channel);
	owner->over(connection->owner_data, connection);
}

/* ---- to the host ----------------------------------------------------------------------------- */

static uint16_t
window_left(const LabWireConnection *connection)
{
	uint32_t used = MIN(connection->in->len, (uint32_t)WINDOW);
	return (uint16_t)((WINDOW - used) / WINDOW_UNIT);
}

static void
send_segment(LabWireConnection *connection, uint8_t flags, const uint8_t *data, size_t size)
{
	if (connection->owner == NULL)
		return;
	connection->owner->send(connection->owner_data,
				&(LabSegment){ .host_port = connection->host_port,
					       .phone_port = connection->phone_port,
					       .seq = connection->sent,
					       .ack = connection->received,
					       .flags = flags,
					       .window = window_left(connection),
					       .data = data,
					       .size = size });
	connection->sent += (uint32_t)size;
}

/* the numbers wrap; what the host has acknowledged is never ahead of what was sent */
static void
send_what_fits(LabWireConnection *connection)
{
	size_t done = 0;
	while (connection->established && done < connection->out->len) {
		uint32_t under_way = connection->sent - connection->acked;
		uint32_t room = connection->host_window > under_way
				    ? connection->host_window - under_way
				    : 0;
		size_t size = MIN(MIN((size_t)room, (size_t)PAYLOAD_MAX),
				  connection->out->len - done);
		if (size == 0)
			break;
		send_segment(connection, LAB_SEGMENT_ACK, connection->out->data + done, size);
		done += size;
	}
	g_byte_array_remove_range(connection->out, 0, (guint)done);
}

/* ---- the phone's side ------------------------------------------------------------------------ */

static void schedule(LabWireConnection *connection);

/* usbmuxd drops what its client has not taken when a RST comes: only then is it sent */
static void
close_if_done(LabWireConnection *connection)
{
	if (!connection->closing || connection->out->len > 0 ||
	    connection->sent != connection->acked)
		return;
	send_segment(connection, LAB_SEGMENT_RST, NULL, 0);
	lab_wire_connection_drop(connection);
}

static void
deliver(LabWireConnection *connection)
{
	if (connection->in->len == 0 || connection->paused || connection->channel == NULL)
		return;
	g_autoptr(GByteArray) data = connection->in;
	connection->in = g_byte_array_new();
	lab_channel_received(connection->channel, data->data, data->len);
}

static gboolean
on_idle(void *data)
{
	LabWireConnection *connection = lab_wire_connection_ref(data);
	connection->idle_source = 0;
	if (!connection->paused && connection->in->len > 0) {
		deliver(connection);
		send_segment(connection, LAB_SEGMENT_ACK, NULL, 0); /* the window is open again */
	}
	close_if_done(connection);
	lab_wire_connection_unref(connection);
	return G_SOURCE_REMOVE;
}

/* from within a phone's call: the phone must not be called back before that has returned */
static void
schedule(LabWireConnection *connection)
{
	if (connection->owner != NULL && connection->idle_source == 0)
		connection->idle_source = g_idle_add(on_idle, connection);
}

static void
channel_send(void *self, const void *data, size_t size)
{
	LabWireConnection *connection = self;
	if (connection->owner == NULL || connection->closing)
		return;
	g_byte_array_append(connection->out, data, (guint)size);
	send_what_fits(connection);
}

static void
channel_close(void *self)
{
	LabWireConnection *connection = self;
	connection->closing = true;
	schedule(connection);
}

static void
channel_set_reading(void *self, bool on)
{
	LabWireConnection *connection = self;
	connection->paused = !on;
	if (on)
		schedule(connection);
}

static const LabChannelOps channel_ops = {
	.send = channel_send,
	.close = channel_close,
	.set_reading = channel_set_reading,
};

/* ---- from the host --------------------------------------------------------------------------- */

LabWireConnection *
lab_wire_connection_new(const LabSegment *syn, const LabWireOwner *owner, void *data)
{
	LabWireConnection *connection = g_rc_box_new0(LabWireConnection);
	connection->owner = owner;
	connection->owner_data = data;
	connection->host_port = syn->host_port;
	connection->phone_port = syn->phone_port;
	connection->received = syn->seq + 1;
	connection->host_window = (uint32_t)syn->window * WINDOW_UNIT;
	connection->in = g_byte_array_new();
	connection->out = g_byte_array_new();
	return connection;
}

void
lab_wire_connection_open(LabWireConnection *connection, LabPhone *phone, pid_t pid)
{
	LabChannel *channel = lab_phone_connect(phone, connection->phone_port, pid, &channel_ops,
						connection);
	if (connection->owner == NULL) {
		if (channel != NULL)
			lab_channel_closed(channel); /* the attempt itself took the phone away */
		return;
	}
	connection->channel = channel;
	if (channel == NULL) {
		send_segment(connection, LAB_SEGMENT_RST, NULL, 0);
		lab_wire_connection_drop(connection);
		return;
	}
	send_segment(connection, LAB_SEGMENT_SYN | LAB_SEGMENT_ACK, NULL, 0);
	connection->sent++; /* a SYN counts as a byte */
	connection->established = true;
	send_what_fits(connection);
}

void
lab_wire_connection_received(LabWireConnection *connection, const LabSegment *segment)
{
	lab_wire_connection_ref(connection);
	if (segment->flags & LAB_SEGMENT_RST) {
		lab_wire_connection_drop(connection);
	} else {
		connection->acked = segment->ack;
		connection->host_window = (uint32_t)segment->window * WINDOW_UNIT;
		if (segment->size > 0) {
			g_byte_array_append(connection->in, segment->data, (guint)segment->size);
			connection->received += (uint32_t)segment->size;
			deliver(connection);
			send_segment(connection, LAB_SEGMENT_ACK, NULL, 0);
		}
		send_what_fits(connection);
		if (connection->owner != NULL)
			close_if_done(connection);
	}
	lab_wire_connection_unref(connection);
}
