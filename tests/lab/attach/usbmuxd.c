/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/attach/usbmuxd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <gio/gio.h>
#include <glib-unix.h>

#include "tests/lab/attach/mux-client.h"

enum { PRODUCT_ID = 0x12a8, LINK_SPEED = 480000000 };

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
	unsigned dying, back; /* sources: it goes; it comes back */
	unsigned away_ms;
};

static LabMux *
mux_of(const MuxClient *client)
{
	return client->owner_data;
}

static void
broadcast(LabMux *mux, plist_t message)
{
	/* a client that fails is dropped later, so the array does not change in here */
	for (guint i = 0; i < mux->clients->len; i++) {
		MuxClient *client = g_ptr_array_index(mux->clients, i);
		if (client->listening)
			mux_client_send(client, 0, plist_copy(message));
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

/* ---- messages from a program ----------------------------------------------------------------- */

static void
on_listen(MuxClient *client, uint32_t tag, plist_t message)
{
	LabMux *mux = mux_of(client);
	mux_client_send_result(client, tag, MUX_OK);
	client->listening = true;
	for (guint i = 0; i < mux->devices->len; i++)
		mux_client_send(client, 0,
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
	for (guint i = 0; i < mux_of(client)->devices->len; i++) {
		const MuxDevice *device = &g_array_index(mux_of(client)->devices, MuxDevice, i);
		plist_array_append_item(list, attached_message(device));
	}
	mux_client_send(client, tag, lab_plist_dict("p:DeviceList", list, NULL));
}

static void
on_list_listeners(MuxClient *client, uint32_t tag, plist_t message)
{
	mux_client_send(client, tag, lab_plist_dict("p:ListenerList", plist_new_array(), NULL));
}

static void
on_read_buid(MuxClient *client, uint32_t tag, plist_t message)
{
	mux_client_send(client, tag, lab_plist_dict("s:BUID", mux_of(client)->buid, NULL));
}

static void
on_read_pair_record(MuxClient *client, uint32_t tag, plist_t message)
{
	const char *name = lab_plist_string(message, "PairRecordID");
	GBytes *pairing = name == NULL ? NULL : g_hash_table_lookup(mux_of(client)->pairings, name);
	if (pairing == NULL) {
		mux_client_send_result(client, tag, (MuxResult)ENOENT);
		return;
	}
	gsize size;
	const char *data = g_bytes_get_data(pairing, &size);
	mux_client_send(client, tag,
			lab_plist_dict("p:PairRecordData", plist_new_data(data, size), NULL));
}

static void
on_save_pair_record(MuxClient *client, uint32_t tag, plist_t message)
{
	const char *name = lab_plist_string(message, "PairRecordID");
	size_t size = 0;
	const uint8_t *data = lab_plist_data(message, "PairRecordData", &size);
	if (name == NULL || data == NULL) {
		mux_client_send_result(client, tag, (MuxResult)EINVAL);
		return;
	}
	g_hash_table_insert(mux_of(client)->pairings, g_strdup(name), g_bytes_new(data, size));
	mux_client_send_result(client, tag, MUX_OK);
	uint64_t id = lab_plist_uint(message, "DeviceID", 0);
	if (id != 0)
		broadcast(mux_of(client),
			  lab_plist_dict("s:MessageType", "Paired", "u:DeviceID", id, NULL));
}

static void
on_delete_pair_record(MuxClient *client, uint32_t tag, plist_t message)
{
	const char *name = lab_plist_string(message, "PairRecordID");
	bool was_there = name != NULL && g_hash_table_remove(mux_of(client)->pairings, name);
	mux_client_send_result(client, tag, was_there ? MUX_OK : (MuxResult)ENOENT);
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
	LabPhone *phone = phone_by_id(mux_of(client), id);
	if (phone == NULL) {
		mux_client_send_result(client, tag, MUX_BAD_DEVICE);
		return;
	}
	/* the number is in network order inside a host-order integer */
	uint16_t port = GUINT16_FROM_BE((uint16_t)lab_plist_uint(message, "PortNumber", 0));
	LabChannel *channel = lab_phone_connect(phone, port, client->pid, mux_client_channel_ops(),
						client);
	if (phone_by_id(mux_of(client), id) == NULL && channel != NULL) {
		lab_channel_closed(channel); /* the attempt itself took the phone off the bus */
		channel = NULL;
	}
	mux_client_send_result(client, tag, channel != NULL ? MUX_OK : MUX_REFUSED);
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
on_message(MuxClient *client, uint32_t tag, plist_t message)
{
	const char *type = lab_plist_string(message, "MessageType");
	for (size_t i = 0; i < G_N_ELEMENTS(handlers); i++) {
		if (g_strcmp0(type, handlers[i].type) == 0) {
			handlers[i].handle(client, tag, message);
			return;
		}
	}
	mux_client_send_result(client, tag, MUX_BAD_COMMAND);
}

/* ---- the socket ------------------------------------------------------------------------------ */

static void
on_dropped(MuxClient *client)
{
	LabMux *mux = client->owner_data;
	g_ptr_array_remove(mux->clients, client);
}

static const MuxClientOwner client_owner = { .message = on_message, .dropped = on_dropped };

static gboolean
on_incoming(int fd, GIOCondition condition, void *data)
{
	LabMux *mux = data;
	int client_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (client_fd >= 0)
		g_ptr_array_add(mux->clients, mux_client_new(client_fd, &client_owner, mux));
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
	mux->clients = g_ptr_array_new_with_free_func(mux_client_unref);
	mux->pairings = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					      (GDestroyNotify)g_bytes_unref);
	mux->source = g_unix_fd_add(fd, G_IO_IN, on_incoming, mux);
	return mux;
}

/* all that a dead daemon leaves behind: nothing */
static void
die(LabMux *mux)
{
	while (mux->clients->len > 0)
		mux_client_drop(g_ptr_array_index(mux->clients, mux->clients->len - 1));
	g_clear_handle_id(&mux->source, g_source_remove);
	if (mux->fd >= 0)
		close(mux->fd);
	mux->fd = -1;
	(void)unlink(mux->path); /* the directory may be gone already */
}

static gboolean
on_back(void *data)
{
	LabMux *mux = data;
	mux->back = 0;
	mux->fd = listen_on(mux->path, NULL);
	if (mux->fd < 0)
		return G_SOURCE_REMOVE;
	for (guint i = 0; i < mux->devices->len; i++)
		g_array_index(mux->devices, MuxDevice, i).id = ++mux->last_id;
	mux->source = g_unix_fd_add(mux->fd, G_IO_IN, on_incoming, mux);
	return G_SOURCE_REMOVE;
}

static gboolean
on_dying(void *data)
{
	LabMux *mux = data;
	mux->dying = 0;
	die(mux);
	if (mux->away_ms > 0)
		mux->back = g_timeout_add(mux->away_ms, on_back, mux);
	return G_SOURCE_REMOVE;
}

void
lab_mux_restart(LabMux *mux, unsigned away_ms)
{
	mux->away_ms = away_ms;
	if (mux->dying != 0 || mux->back != 0)
		return;
	if (mux->fd >= 0)
		mux->dying = g_idle_add(on_dying, mux);
	else
		mux->back = g_timeout_add(away_ms, on_back, mux);
}

void
lab_mux_free(LabMux *mux)
{
	if (mux == NULL)
		return;
	g_clear_handle_id(&mux->dying, g_source_remove);
	g_clear_handle_id(&mux->back, g_source_remove);
	die(mux);
	g_ptr_array_unref(mux->clients);
	g_array_unref(mux->devices);
	g_hash_table_unref(mux->pairings);
	g_free(mux->buid);
	g_free(mux->path);
	g_free(mux);
}

const char *
lab_mux_buid(const LabMux *mux)
{
	return mux->buid;
}

void
lab_mux_add_pairing(LabMux *mux, const char *udid, GBytes *record)
{
	g_hash_table_insert(mux->pairings, g_strdup(udid), g_bytes_ref(record));
}

/* ---- phones come and go ---------------------------------------------------------------------- */

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
		mux_client_drop(client);
	broadcast(mux,
		  lab_plist_dict("s:MessageType", "Detached", "u:DeviceID", (uint64_t)id, NULL));
}

const LabAttachment *
lab_mux_attachment(void)
{
	static const LabAttachment attachment = { .plug = mux_plug, .unplug = mux_unplug };
	return &attachment;
}
