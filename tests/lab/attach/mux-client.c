/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/attach/mux-client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib-unix.h>

/*
 * Protocol, as libusbmuxd 2.0.2 speaks it: a header of four little-endian words (whole length,
 * version, kind, tag), then for version 1 and kind 8 a property list with a MessageType. An answer
 * repeats the tag. After a successful Connect the socket is the connection itself.
 */
enum {
	HEADER_SIZE = 16,
	VERSION_PLIST = 1,
	KIND_RESULT = 1,
	KIND_PLIST = 8,
	MESSAGE_MAX = 1 << 20,
	READ_SIZE = 1 << 16,
};

typedef struct {
	uint32_t length, version, kind, tag;
} MuxHeader;

static gboolean on_readable(int fd, GIOCondition condition, void *data);
static gboolean on_writable(int fd, GIOCondition condition, void *data);

static void
client_clear(void *data)
{
	MuxClient *client = data;
	g_byte_array_unref(client->in);
	g_byte_array_unref(client->out);
}

void
mux_client_unref(void *data)
{
	g_rc_box_release_full(data, client_clear);
}

static void
client_stop_sources(MuxClient *client)
{
	g_clear_handle_id(&client->in_source, g_source_remove);
	g_clear_handle_id(&client->out_source, g_source_remove);
	g_clear_handle_id(&client->drop_source, g_source_remove);
}

void
mux_client_drop(MuxClient *client)
{
	if (client->owner == NULL)
		return;
	const MuxClientOwner *owner = g_steal_pointer(&client->owner);
	client_stop_sources(client);
	close(client->fd);
	client->phone = NULL;
	LabChannel *channel = g_steal_pointer(&client->channel);
	if (channel != NULL)
		lab_channel_closed(channel);
	owner->dropped(client);
}

static gboolean
on_drop(void *data)
{
	MuxClient *client = g_rc_box_acquire(data);
	client->drop_source = 0;
	mux_client_drop(client);
	mux_client_unref(client);
	return G_SOURCE_REMOVE;
}

/* From within a phone's call: the phone must not find its channel gone when the call returns. */
static void
client_drop_later(MuxClient *client)
{
	if (client->owner != NULL && client->drop_source == 0)
		client->drop_source = g_idle_add(on_drop, client);
}

static void
client_watch(MuxClient *client)
{
	bool want_in = !client->paused && !client->draining;
	if (want_in && client->in_source == 0)
		client->in_source = g_unix_fd_add(client->fd, G_IO_IN, on_readable, client);
	else if (!want_in)
		g_clear_handle_id(&client->in_source, g_source_remove);
	bool want_out = client->out->len > 0;
	if (want_out && client->out_source == 0)
		client->out_source = g_unix_fd_add(client->fd, G_IO_OUT, on_writable, client);
	else if (!want_out)
		g_clear_handle_id(&client->out_source, g_source_remove);
}

static void
client_flush(MuxClient *client)
{
	size_t done = 0;
	while (done < client->out->len) {
		ssize_t n = send(client->fd, client->out->data + done, client->out->len - done,
				 MSG_NOSIGNAL);
		if (n > 0) {
			done += (size_t)n;
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			client_drop_later(client);
			done = client->out->len;
		}
	}
	g_byte_array_remove_range(client->out, 0, (guint)done);
	if (client->out->len == 0 && client->draining)
		client_drop_later(client);
	client_watch(client);
}

static void
client_send(MuxClient *client, const void *data, size_t size)
{
	g_byte_array_append(client->out, data, (guint)size);
	client_flush(client);
}

/* ---- the phone's side of a channel ----------------------------------------------------------- */

static void
channel_send(void *self, const void *data, size_t size)
{
	MuxClient *client = self;
	if (client->owner != NULL && !client->draining)
		client_send(client, data, size);
}

static void
channel_close(void *self)
{
	MuxClient *client = self;
	if (client->owner == NULL)
		return;
	client->draining = true;
	client_flush(client);
}

static void
channel_set_reading(void *self, bool on)
{
	MuxClient *client = self;
	if (client->owner == NULL)
		return;
	client->paused = !on;
	client_watch(client);
}

const LabChannelOps *
mux_client_channel_ops(void)
{
	static const LabChannelOps ops = {
		.send = channel_send,
		.close = channel_close,
		.set_reading = channel_set_reading,
	};
	return &ops;
}

/* ---- messages to a program ------------------------------------------------------------------- */

static void
send_packet(MuxClient *client, const MuxHeader *header, const void *payload, size_t size)
{
	uint32_t words[] = {
		GUINT32_TO_LE(HEADER_SIZE + (uint32_t)size),
		GUINT32_TO_LE(header->version),
		GUINT32_TO_LE(header->kind),
		GUINT32_TO_LE(header->tag),
	};
	g_autoptr(GByteArray) packet = g_byte_array_sized_new(HEADER_SIZE + (guint)size);
	g_byte_array_append(packet, (const uint8_t *)words, sizeof words);
	g_byte_array_append(packet, payload, (guint)size);
	client_send(client, packet->data, packet->len);
}

void
mux_client_send(MuxClient *client, uint32_t tag, plist_t message)
{
	char *xml = NULL;
	uint32_t size = 0;
	plist_to_xml(message, &xml, &size);
	plist_free(message);
	send_packet(client,
		    &(MuxHeader){ .version = VERSION_PLIST, .kind = KIND_PLIST, .tag = tag }, xml,
		    size);
	free(xml);
}

void
mux_client_send_result(MuxClient *client, uint32_t tag, MuxResult result)
{
	mux_client_send(client, tag,
			lab_plist_dict("s:MessageType", "Result", "u:Number", (uint64_t)result,
				       NULL));
}

/* The binary version 0 is refused in its own form, so that a client moves on to version 1. */
static void
refuse_version(MuxClient *client, uint32_t tag)
{
	uint32_t result = GUINT32_TO_LE(MUX_BAD_VERSION);
	send_packet(client, &(MuxHeader){ .kind = KIND_RESULT, .tag = tag }, &result,
		    sizeof result);
}

static MuxHeader
read_header(const uint8_t *data)
{
	uint32_t words[HEADER_SIZE / sizeof(uint32_t)];
	memcpy(words, data, HEADER_SIZE);
	return (MuxHeader){
		.length = GUINT32_FROM_LE(words[0]),
		.version = GUINT32_FROM_LE(words[1]),
		.kind = GUINT32_FROM_LE(words[2]),
		.tag = GUINT32_FROM_LE(words[3]),
	};
}

/* False when nothing more can be done with what has come so far. */
static bool
take_packet(MuxClient *client)
{
	if (client->in->len < HEADER_SIZE)
		return false;
	MuxHeader header = read_header(client->in->data);
	if (header.length < HEADER_SIZE || header.length > MESSAGE_MAX) {
		mux_client_drop(client);
		return false;
	}
	if (client->in->len < header.length)
		return false;
	g_auto(plist_t)
	    message = lab_plist_parse(client->in->data + HEADER_SIZE, header.length - HEADER_SIZE);
	g_byte_array_remove_range(client->in, 0, header.length);
	if (header.version != VERSION_PLIST)
		refuse_version(client, header.tag);
	else if (header.kind != KIND_PLIST || message == NULL)
		mux_client_send_result(client, header.tag, MUX_BAD_COMMAND);
	else
		client->owner->message(client, header.tag, message);
	return client->owner != NULL;
}

static void
client_received(MuxClient *client, const uint8_t *data, size_t size)
{
	if (client->channel != NULL) {
		lab_channel_received(client->channel, data, size);
		return;
	}
	g_byte_array_append(client->in, data, (guint)size);
	while (client->channel == NULL && take_packet(client))
		;
	if (client->owner != NULL && client->channel != NULL && client->in->len > 0) {
		/* sent right behind the Connect: already meant for the phone */
		lab_channel_received(client->channel, client->in->data, client->in->len);
		g_byte_array_set_size(client->in, 0);
	}
}

static gboolean
on_readable(int fd, GIOCondition condition, void *data)
{
	MuxClient *client = g_rc_box_acquire(data);
	uint8_t buffer[READ_SIZE];
	ssize_t n = recv(fd, buffer, sizeof buffer, 0);
	if (n > 0)
		client_received(client, buffer, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		mux_client_drop(client);
	bool keep = client->owner != NULL && client->in_source != 0;
	mux_client_unref(client);
	return keep;
}

static gboolean
on_writable(int fd, GIOCondition condition, void *data)
{
	MuxClient *client = g_rc_box_acquire(data);
	client_flush(client);
	bool keep = client->owner != NULL && client->out_source != 0;
	mux_client_unref(client);
	return keep;
}

MuxClient *
mux_client_new(int fd, const MuxClientOwner *owner, void *owner_data)
{
	struct ucred peer = { 0 };
	socklen_t size = sizeof peer;
	(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size); /* pid 0 is "unknown" */
	MuxClient *client = g_rc_box_new0(MuxClient);
	client->owner = owner;
	client->owner_data = owner_data;
	client->fd = fd;
	client->pid = peer.pid;
	client->in = g_byte_array_new();
	client->out = g_byte_array_new();
	client_watch(client);
	return client;
}
