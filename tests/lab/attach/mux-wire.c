/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/attach/mux-wire.h"

#include <arpa/inet.h>
#include <string.h>

#include "tests/lab/attach/wire-connection.h"

/*
 * Packets: protocol and length, big-endian, the length including the header; once the versions are
 * agreed on, also a magic number and the packet numbers of both sides. The host's one byte of setup
 * begins the numbering.
 */

enum {
	PROTOCOL_VERSION = 0,
	PROTOCOL_SETUP = 2,
	PROTOCOL_TCP = 6,
	SHORT_HEADER = 8,
	LONG_HEADER = 16,
	VERSION_SIZE = 12,
	TCP_HEADER = 20,
	PACKET_MAX = 1 << 17, /* from the host; usbmuxd sends 48 KiB */
};

static const uint32_t magic_of_phone = 0xfaceface;

struct LabWire {
	LabPhone *phone; /* borrowed; NULL once freed */
	pid_t pid;
	void (*ready)(void *data);
	void *data;
	GByteArray *in; /* what has come of a packet */
	GQueue out;     /* of GBytes */
	bool agreed;    /* on version 2: headers are long */
	uint16_t sent, received;
	GPtrArray *connections; /* of LabWireConnection, one reference each */
};

static void
wire_clear(void *data)
{
	LabWire *wire = data;
	g_byte_array_unref(wire->in);
	g_queue_clear_full(&wire->out, (GDestroyNotify)g_bytes_unref);
	g_ptr_array_unref(wire->connections);
}

static uint32_t
read_word(const uint8_t *data)
{
	uint32_t word = 0;
	memcpy(&word, data, sizeof word);
	return ntohl(word);
}

/* ---- to the host ----------------------------------------------------------------------------- */

static void
append_word(GByteArray *packet, uint32_t word)
{
	uint32_t wire_order = htonl(word);
	g_byte_array_append(packet, (const uint8_t *)&wire_order, sizeof wire_order);
}

static void
send_packet(LabWire *wire, uint32_t protocol, const uint8_t *body, size_t size)
{
	size_t header = wire->agreed ? LONG_HEADER : SHORT_HEADER;
	GByteArray *packet = g_byte_array_sized_new((guint)(header + size));
	append_word(packet, protocol);
	append_word(packet, (uint32_t)(header + size));
	if (wire->agreed) {
		append_word(packet, magic_of_phone);
		append_word(packet, (uint32_t)wire->sent++ << 16 | wire->received);
	}
	g_byte_array_append(packet, body, (guint)size);
	g_queue_push_tail(&wire->out, g_byte_array_free_to_bytes(packet));
	wire->ready(wire->data);
}

static void
send_segment(void *data, const LabSegment *segment)
{
	LabWire *wire = data;
	if (wire->phone == NULL)
		return;
	g_autoptr(GByteArray) body = g_byte_array_sized_new((guint)(TCP_HEADER + segment->size));
	append_word(body, (uint32_t)segment->phone_port << 16 | segment->host_port);
	append_word(body, segment->seq);
	append_word(body, segment->ack);
	/* five words of header, the flags, the window */
	append_word(body, UINT32_C(5) << 28 | (uint32_t)segment->flags << 16 | segment->window);
	append_word(body, 0);
	g_byte_array_append(body, segment->data, (guint)segment->size);
	send_packet(wire, PROTOCOL_TCP, body->data, body->len);
}

GBytes *
lab_wire_take(LabWire *wire)
{
	return g_queue_pop_head(&wire->out);
}

/* ---- from the host --------------------------------------------------------------------------- */

static void
answer_version(LabWire *wire)
{
	static const uint8_t version[VERSION_SIZE] = { 0, 0, 0, 2 };
	wire->agreed = false; /* the answer still has the short header */
	send_packet(wire, PROTOCOL_VERSION, version, sizeof version);
	wire->agreed = true;
	wire->sent = 0;
	wire->received = 0xffff;
}

static LabWireConnection *
find_connection(const LabWire *wire, uint16_t host_port, uint16_t phone_port)
{
	for (guint i = 0; i < wire->connections->len; i++) {
		LabWireConnection *connection = g_ptr_array_index(wire->connections, i);
		if (lab_wire_connection_is(connection, host_port, phone_port))
			return connection;
	}
	return NULL;
}

static void
connection_over(void *data, LabWireConnection *connection)
{
	LabWire *wire = data;
	g_ptr_array_remove_fast(wire->connections, connection);
}

static void
open_connection(LabWire *wire, const LabSegment *segment)
{
	static const LabWireOwner owner = { .send = send_segment, .over = connection_over };
	LabWireConnection *connection = lab_wire_connection_new(segment, &owner, wire);
	g_ptr_array_add(wire->connections, lab_wire_connection_ref(connection));
	lab_wire_connection_open(connection, wire->phone, wire->pid);
	lab_wire_connection_unref(connection);
}

static void
refuse(LabWire *wire, const LabSegment *segment)
{
	send_segment(wire, &(LabSegment){ .host_port = segment->host_port,
					  .phone_port = segment->phone_port,
					  .ack = segment->seq + 1,
					  .flags = LAB_SEGMENT_RST });
}

static void
take_segment(LabWire *wire, const uint8_t *body, size_t size)
{
	if (size < TCP_HEADER)
		return;
	uint32_t ports = read_word(body);
	uint32_t control = read_word(body + 12);
	LabSegment segment = { .host_port = (uint16_t)(ports >> 16),
			       .phone_port = (uint16_t)ports,
			       .seq = read_word(body + 4),
			       .ack = read_word(body + 8),
			       .flags = (uint8_t)(control >> 16),
			       .window = (uint16_t)control,
			       .data = body + TCP_HEADER,
			       .size = size - TCP_HEADER };
	LabWireConnection *connection = find_connection(wire, segment.host_port,
							segment.phone_port);
	if (connection != NULL)
		lab_wire_connection_received(connection, &segment);
	else if (segment.flags == LAB_SEGMENT_SYN)
		open_connection(wire, &segment);
	else if ((segment.flags & LAB_SEGMENT_RST) == 0)
		refuse(wire, &segment);
}

static void
take_packet(LabWire *wire, const uint8_t *packet, size_t size)
{
	uint32_t protocol = read_word(packet);
	/* a host that starts anew says so with the short header */
	if (protocol == PROTOCOL_VERSION) {
		answer_version(wire);
		return;
	}
	if (!wire->agreed || size < LONG_HEADER)
		return;
	wire->received = (uint16_t)(read_word(packet + 12) >> 16);
	if (protocol == PROTOCOL_TCP)
		take_segment(wire, packet + LONG_HEADER, size - LONG_HEADER);
}

void
lab_wire_received(LabWire *wire, const uint8_t *data, size_t size)
{
	g_rc_box_acquire(wire);
	g_byte_array_append(wire->in, data, (guint)size);
	while (wire->phone != NULL && wire->in->len >= SHORT_HEADER) {
		uint32_t length = read_word(wire->in->data + sizeof(uint32_t));
		if (length < SHORT_HEADER || length > PACKET_MAX) {
			g_byte_array_set_size(wire->in, 0); /* as a phone: until it is reset */
			break;
		}
		if (wire->in->len < length)
			break;
		g_autofree uint8_t *packet = g_memdup2(wire->in->data, length);
		g_byte_array_remove_range(wire->in, 0, length);
		take_packet(wire, packet, length);
	}
	g_rc_box_release_full(wire, wire_clear);
}

/* ---- life ------------------------------------------------------------------------------------ */

LabWire *
lab_wire_new(LabPhone *phone, pid_t pid, void (*ready)(void *data), void *data)
{
	LabWire *wire = g_rc_box_new0(LabWire);
	wire->phone = phone;
	wire->pid = pid;
	wire->ready = ready;
	wire->data = data;
	wire->in = g_byte_array_new();
	g_queue_init(&wire->out);
	wire->connections = g_ptr_array_new_with_free_func(
	    (GDestroyNotify)lab_wire_connection_unref);
	return wire;
}

void
lab_wire_free(LabWire *wire)
{
	if (wire == NULL)
		return;
	wire->phone = NULL;
	while (wire->connections->len > 0)
		lab_wire_connection_drop(g_ptr_array_index(wire->connections, 0));
	g_rc_box_release_full(wire, wire_clear);
}
