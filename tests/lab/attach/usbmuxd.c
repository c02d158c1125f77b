/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/attach/usbmuxd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <gio/gio.h>
#include <glib-unix.h>

#include "tests/lab/phone/plistio.h"

/*
 * Protocol, as libusbmuxd 2.0.2 speaks it: a header of four little-endian words (whole length, version, kind,
 * tag), then for version 1 and kind 8 a property list with a MessageType. An answer repeats the tag. After a
 * successful Connect the socket is the connection itself.
 */
enum {
	HEADER_SIZE = 16,
	VERSION_PLIST = 1,
	KIND_RESULT = 1,
	KIND_PLIST = 8,
	MESSAGE_MAX = 1 << 20,
	READ_SIZE = 1 << 16,
	PRODUCT_ID = 0x12a8,
	LINK_SPEED = 480000000,
};

typedef enum {
	RESULT_OK = 0,
	RESULT_BAD_COMMAND = 1,
	RESULT_BAD_DEVICE = 2,
	RESULT_REFUSED = 3,
	RESULT_BAD_VERSION = 6,
} MuxResult;

typedef struct {
	LabPhone *phone; /* borrowed */
	uint32_t id;     /* fresh at each plug */
} MuxDevice;

struct LabMux {
	char *path;
	LabRecord *record; /* borrowed */
	int fd;
	unsigned source;
	uint32_t last_id;
	char *buid;
	GArray *devices;      /* of MuxDevice */
	GPtrArray *clients;   /* of MuxClient, one reference each */
	GHashTable *pairings; /* record name → GBytes */
};

/* One connection of a program: it talks to the mux until a Connect makes it a channel of a phone. */
typedef struct {
	LabMux *mux; /* NULL once dropped */
	int fd;
	pid_t pid;
	unsigned in_source, out_source, drop_source;
	GByteArray *in, *out;
	bool listening;
	bool draining; /* the phone has closed: what is queued still goes out */
	bool paused;   /* back-pressure */
	LabPhone *phone;
	LabChannel *channel;
} MuxClient;

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

static void
client_unref(void *data)
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

/* Ends the connection now; the memory stays with whoever holds a reference. */
static void
client_drop(MuxClient *client)
{
	if (client->mux == NULL)
		return;
	LabMux *mux = g_steal_pointer(&client->mux);
	client_stop_sources(client);
	close(client->fd);
	client->phone = NULL;
	LabChannel *channel = g_steal_pointer(&client->channel);
	if (channel != NULL)
		lab_channel_closed(channel);
	g_ptr_array_remove(mux->clients, client);
}

static gboolean
on_drop(void *data)
{
	MuxClient *client = g_rc_box_acquire(data);
	client->drop_source = 0;
	client_drop(client);
	client_unref(client);
	return G_SOURCE_REMOVE;
}

/* From within a phone's call: the phone must not find its channel gone when the call returns. */
static void
client_drop_later(MuxClient *client)
{
	if (client->mux != NULL && client->drop_source == 0)
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

/* ---- the phone's side of a channel --------------------------------------------------------------- */

static void
channel_send(void *self, const void *data, size_t size)
{
	MuxClient *client = self;
	if (client->mux != NULL && !client->draining)
		client_send(client, data, size);
}

static void
channel_close(void *self)
{
	MuxClient *client = self;
	if (client->mux == NULL)
		return;
	client->draining = true;
	client_flush(client);
}

static void
channel_set_reading(void *self, bool on)
{
	MuxClient *client = self;
	if (client->mux == NULL)
		return;
	client->paused = !on;
	client_watch(client);
}

static const LabChannelOps channel_ops = {
	.send = channel_send,
	.close = channel_close,
	.set_reading = channel_set_reading,
};

/* ---- messages to a program ----------------------------------------------------------------------- */

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

/* Takes `message` over. */
static void
send_message(MuxClient *client, uint32_t tag, plist_t message)
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

static void
send_result(MuxClient *client, uint32_t tag, MuxResult result)
{
	send_message(client, tag,
		     lab_plist_dict("s:MessageType", "Result", "u:Number", (uint64_t)result, NULL));
}

static void
broadcast(LabMux *mux, plist_t message)
{
	/* a failing client is dropped from the idle handler, so the array does not change in here */
	for (guint i = 0; i < mux->clients->len; i++) {
		MuxClient *client = g_ptr_array_index(mux->clients, i);
		if (client->listening)
			send_message(client, 0, plist_copy(message));
	}
	plist_free(message);
}

/* "1-2.3" is on bus 1; the device number is that of this visit to the bus. */
static uint64_t
location_of(const MuxDevice *device)
{
	const char *port = lab_phone_identity(device->phone)->port;
	uint64_t bus = port != NULL ? g_ascii_strtoull(port, NULL, 10) : 0;
	return bus << 16 | device->id;
}

static plist_t
attached_message(const MuxDevice *device)
{
	const LabIdentity *id = lab_phone_identity(device->phone);
	plist_t properties = lab_plist_dict("s:ConnectionType", "USB", "u:ConnectionSpeed",
					    (uint64_t)LINK_SPEED, "u:DeviceID",
					    (uint64_t)device->id, "u:LocationID",
					    location_of(device), "u:ProductID",
					    (uint64_t)PRODUCT_ID, "s:SerialNumber", id->udid, NULL);
	return lab_plist_dict("s:MessageType", "Attached", "u:DeviceID", (uint64_t)device->id,
			      "p:Properties", properties, NULL);
}

/* ---- messages from a program --------------------------------------------------------------------- */

static void
on_listen(MuxClient *client, uint32_t tag, plist_t message)
{
	LabMux *mux = client->mux;
	send_result(client, tag, RESULT_OK);
	client->listening = true;
	for (guint i = 0; i < mux->devices->len; i++)
		send_message(client, 0,
			     attached_message(&g_array_index(mux->devices, MuxDevice, i)));
	if (mux->record != NULL) {
		g_autofree char *comm = lab_record_comm(client->pid);
		lab_record_event(mux->record, NULL, "session", "s:service", "usbmuxd", "i:pid",
				 (int64_t)client->pid, "s:comm", comm, NULL);
	}
}

static void
on_list_devices(MuxClient *client, uint32_t tag, plist_t message)
{
	plist_t list = plist_new_array();
	for (guint i = 0; i < client->mux->devices->len; i++) {
		const MuxDevice *device = &g_array_index(client->mux->devices, MuxDevice, i);
		plist_array_append_item(list, attached_message(device));
	}
	send_message(client, tag, lab_plist_dict("p:DeviceList", list, NULL));
}

static void
on_list_listeners(MuxClient *client, uint32_t tag, plist_t message)
{
	send_message(client, tag, lab_plist_dict("p:ListenerList", plist_new_array(), NULL));
}

static void
on_read_buid(MuxClient *client, uint32_t tag, plist_t message)
{
	send_message(client, tag, lab_plist_dict("s:BUID", client->mux->buid, NULL));
}

static void
on_read_pair_record(MuxClient *client, uint32_t tag, plist_t message)
{
	const char *name = lab_plist_string(message, "PairRecordID");
	GBytes *pairing = name == NULL ? NULL : g_hash_table_lookup(client->mux->pairings, name);
	if (pairing == NULL) {
		send_result(client, tag, (MuxResult)ENOENT);
		return;
	}
	gsize size;
	const char *data = g_bytes_get_data(pairing, &size);
	send_message(client, tag,
		     lab_plist_dict("p:PairRecordData", plist_new_data(data, size), NULL));
}

static void
on_save_pair_record(MuxClient *client, uint32_t tag, plist_t message)
{
	const char *name = lab_plist_string(message, "PairRecordID");
	size_t size = 0;
	const uint8_t *data = lab_plist_data(message, "PairRecordData", &size);
	if (name == NULL || data == NULL) {
		send_result(client, tag, (MuxResult)EINVAL);
		return;
	}
	g_hash_table_insert(client->mux->pairings, g_strdup(name), g_bytes_new(data, size));
	send_result(client, tag, RESULT_OK);
	uint64_t id = lab_plist_uint(message, "DeviceID", 0);
	if (id != 0)
		broadcast(client->mux,
			  lab_plist_dict("s:MessageType", "Paired", "u:DeviceID", id, NULL));
}

static void
on_delete_pair_record(MuxClient *client, uint32_t tag, plist_t message)
{
	const char *name = lab_plist_string(message, "PairRecordID");
	bool was_there = name != NULL && g_hash_table_remove(client->mux->pairings, name);
	send_result(client, tag, was_there ? RESULT_OK : (MuxResult)ENOENT);
}

static LabPhone *
phone_by_id(LabMux *mux, uint64_t id)
{
	for (guint i = 0; i < mux->devices->len; i++) {
		const MuxDevice *device = &g_array_index(mux->devices, MuxDevice, i);
		if (device->id == id)
			return device->phone;
	}
	return NULL;
}

static void
on_connect(MuxClient *client, uint32_t tag, plist_t message)
{
	uint64_t id = lab_plist_uint(message, "DeviceID", 0);
	LabPhone *phone = phone_by_id(client->mux, id);
	if (phone == NULL) {
		send_result(client, tag, RESULT_BAD_DEVICE);
		return;
	}
	/* the number is in network order inside a host-order integer */
	uint16_t port = GUINT16_FROM_BE((uint16_t)lab_plist_uint(message, "PortNumber", 0));
	LabChannel *channel = lab_phone_connect(phone, port, client->pid, &channel_ops, client);
	if (phone_by_id(client->mux, id) == NULL && channel != NULL) {
		lab_channel_closed(channel); /* the attempt itself took the phone off the bus */
		channel = NULL;
	}
	send_result(client, tag, channel != NULL ? RESULT_OK : RESULT_REFUSED);
	if (channel == NULL)
		return;
	client->phone = phone;
	client->channel = channel;
}

typedef struct {
	const char *type;
	void (*handle)(MuxClient *client, uint32_t tag, plist_t message);
} MuxHandler;

static const MuxHandler handlers[] = {
	{ "Listen", on_listen },
	{ "ListDevices", on_list_devices },
	{ "ListListeners", on_list_listeners },
	{ "ReadBUID", on_read_buid },
	{ "ReadPairRecord", on_read_pair_record },
	{ "SavePairRecord", on_save_pair_record },
	{ "DeletePairRecord", on_delete_pair_record },
	{ "Connect", on_connect },
};

static void
handle_message(MuxClient *client, uint32_t tag, plist_t message)
{
	const char *type = lab_plist_string(message, "MessageType");
	for (size_t i = 0; i < G_N_ELEMENTS(handlers); i++) {
		if (g_strcmp0(type, handlers[i].type) == 0) {
			handlers[i].handle(client, tag, message);
			return;
		}
	}
	send_result(client, tag, RESULT_BAD_COMMAND);
}

/* The binary protocol of version 0 is refused in its own form, so that a client moves on to version 1. */
static void
refuse_version(MuxClient *client, uint32_t tag)
{
	uint32_t result = GUINT32_TO_LE(RESULT_BAD_VERSION);
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
		client_drop(client);
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
		send_result(client, header.tag, RESULT_BAD_COMMAND);
	else
		handle_message(client, header.tag, message);
	return client->mux != NULL;
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
	if (client->mux != NULL && client->channel != NULL && client->in->len > 0) {
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
		client_drop(client);
	bool keep = client->mux != NULL && client->in_source != 0;
	client_unref(client);
	return keep;
}

static gboolean
on_writable(int fd, GIOCondition condition, void *data)
{
	MuxClient *client = g_rc_box_acquire(data);
	client_flush(client);
	bool keep = client->mux != NULL && client->out_source != 0;
	client_unref(client);
	return keep;
}

/* ---- the socket ---------------------------------------------------------------------------------- */

static gboolean
on_incoming(int fd, GIOCondition condition, void *data)
{
	LabMux *mux = data;
	int client_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (client_fd < 0)
		return G_SOURCE_CONTINUE;
	struct ucred peer = { 0 };
	socklen_t size = sizeof peer;
	(void)getsockopt(client_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size); /* pid 0 is "unknown" */
	MuxClient *client = g_rc_box_new0(MuxClient);
	client->mux = mux;
	client->fd = client_fd;
	client->pid = peer.pid;
	client->in = g_byte_array_new();
	client->out = g_byte_array_new();
	g_ptr_array_add(mux->clients, client);
	client_watch(client);
	return G_SOURCE_CONTINUE;
}

static int
listen_on(const char *path, GError **error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof address.sun_path) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FILENAME_TOO_LONG,
			    "path of the usbmuxd socket is too long: ‘%s’", path);
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	(void)unlink(path); /* a dead run's; usually not there */
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
	    listen(fd, SOMAXCONN) == 0)
		return fd;
	int code = errno;
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(code),
		    "cannot listen on the usbmuxd socket ‘%s’: %s", path, g_strerror(code));
	if (fd >= 0)
		close(fd);
	return -1;
}

LabMux *
lab_mux_new(const char *socket_path, LabRecord *record, GError **error)
{
	int fd = listen_on(socket_path, error);
	if (fd < 0)
		return NULL;
	LabMux *mux = g_new0(LabMux, 1);
	mux->path = g_strdup(socket_path);
	mux->record = record;
	mux->fd = fd;
	g_autofree char *uuid = g_uuid_string_random();
	mux->buid = g_ascii_strup(uuid, -1);
	mux->devices = g_array_new(false, true, sizeof(MuxDevice));
	mux->clients = g_ptr_array_new_with_free_func(client_unref);
	mux->pairings = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					      (GDestroyNotify)g_bytes_unref);
	mux->source = g_unix_fd_add(fd, G_IO_IN, on_incoming, mux);
	return mux;
}

void
lab_mux_free(LabMux *mux)
{
	if (mux == NULL)
		return;
	while (mux->clients->len > 0)
		client_drop(g_ptr_array_index(mux->clients, mux->clients->len - 1));
	g_source_remove(mux->source);
	close(mux->fd);
	(void)unlink(mux->path); /* the directory may be gone already */
	g_ptr_array_unref(mux->clients);
	g_array_unref(mux->devices);
	g_hash_table_unref(mux->pairings);
	g_free(mux->buid);
	g_free(mux->path);
	g_free(mux);
}

/* ---- phones come and go -------------------------------------------------------------------------- */

static void
mux_plug(void *self, LabPhone *phone)
{
	LabMux *mux = self;
	LabMode mode = lab_phone_mode(phone);
	if (mode != LAB_MODE_NORMAL && mode != LAB_MODE_RESTORE)
		return;
	MuxDevice device = { .phone = phone, .id = ++mux->last_id };
	g_array_append_val(mux->devices, device);
	broadcast(mux, attached_message(&device));
}

/* Dropping one client may end others: each time, start over. */
static MuxClient *
find_client_of(LabMux *mux, const LabPhone *phone)
{
	for (guint i = 0; i < mux->clients->len; i++) {
		MuxClient *client = g_ptr_array_index(mux->clients, i);
		if (client->phone == phone)
			return client;
	}
	return NULL;
}

static void
mux_unplug(void *self, LabPhone *phone)
{
	LabMux *mux = self;
	uint32_t id = 0;
	for (guint i = 0; i < mux->devices->len && id == 0; i++) {
		const MuxDevice *device = &g_array_index(mux->devices, MuxDevice, i);
		if (device->phone != phone)
			continue;
		id = device->id;
		g_array_remove_index(mux->devices, i);
	}
	if (id == 0)
		return;
	MuxClient *client;
	while ((client = find_client_of(mux, phone)) != NULL)
		client_drop(client);
	broadcast(mux,
		  lab_plist_dict("s:MessageType", "Detached", "u:DeviceID", (uint64_t)id, NULL));
}

const LabAttachment *
lab_mux_attachment(void)
{
	static const LabAttachment attachment = { .plug = mux_plug, .unplug = mux_unplug };
	return &attachment;
}
