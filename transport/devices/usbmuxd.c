/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/devices/usbmuxd.h"

#include <string.h>

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "transport/devices/mux-message.h"

#define DEFAULT_SOCKET   "/var/run/usbmuxd"
#define ADDRESS_VARIABLE "USBMUXD_SOCKET_ADDRESS"
#define UNIX_PREFIX      "UNIX:"

enum {
	DEFAULT_PORT = 27015, /* where usbmuxd listens on systems without local sockets */
	FIRST_PAUSE_MS = 100,
	MAX_PAUSE_MS = 2000,
	/* the devices follow the answer to Listen in one go; this long a silence means that was all */
	QUIET_MS = 30,
	READ_SIZE = 16 * 1024,
};

struct RescueMuxClient {
	int refs; /* a connection attempt under way holds one */
	RescueMuxClientSpec spec;
	bool once; /* one ListDevices, for the check */
	GCancellable *cancel;
	GSocketConnection *connection;
	GByteArray *in;
	guint read_source, retry_source, quiet_source;
	unsigned pause_ms;
	bool settled;
	bool reached;  /* somebody listens on the socket */
	GError *error; /* why the last attempt failed */
};

static void start_connecting(RescueMuxClient *client);

static void
client_unref(RescueMuxClient *client)
{
	if (--client->refs > 0)
		return;
	g_object_unref(client->cancel);
	g_byte_array_unref(client->in);
	g_clear_error(&client->error);
	g_free(client);
}

static void
disconnect_socket(RescueMuxClient *client)
{
	g_clear_handle_id(&client->read_source, g_source_remove);
	g_clear_handle_id(&client->quiet_source, g_source_remove);
	g_clear_object(&client->connection);
	g_byte_array_set_size(client->in, 0);
}

static gboolean
on_retry(gpointer data)
{
	RescueMuxClient *client = data;
	client->retry_source = 0;
	start_connecting(client);
	return G_SOURCE_REMOVE;
}

/** The connection, or the attempt, is over: takes the error. */
static void
give_up(RescueMuxClient *client, GError *error)
{
	bool was_connected = client->connection != NULL;
	disconnect_socket(client);
	g_clear_error(&client->error);
	client->error = error;
	client->settled = true;
	if (client->once)
		return;
	client->pause_ms = was_connected ? FIRST_PAUSE_MS : MIN(client->pause_ms * 2, MAX_PAUSE_MS);
	client->retry_source = g_timeout_add(client->pause_ms, on_retry, client);
	if (was_connected && client->spec.lost != NULL)
		client->spec.lost(client->spec.data);
}

static gboolean
on_quiet(gpointer data)
{
	RescueMuxClient *client = data;
	client->quiet_source = 0;
	client->settled = true;
	return G_SOURCE_REMOVE;
}

/** False when the connection is of no use any more. */
static bool
on_result(RescueMuxClient *client, const RescueMuxMessage *message)
{
	if (message->kind == RESCUE_MUX_RESULT && message->result != 0) {
		give_up(client, g_error_new(RESCUE_ERROR, RESCUE_FAILURE_NO_USBMUXD,
					    "usbmuxd refuses to list devices (result %u)",
					    message->result));
		return false;
	}
	client->pause_ms = FIRST_PAUSE_MS;
	g_clear_error(&client->error);
	if (client->once)
		client->settled = message->kind == RESCUE_MUX_DEVICE_LIST;
	else if (!client->settled && client->quiet_source == 0)
		client->quiet_source = g_timeout_add(QUIET_MS, on_quiet, client);
	return true;
}

/** False when the connection is of no use any more. */
static bool
on_message(RescueMuxClient *client, const RescueMuxMessage *message)
{
	RescueMuxSighting seen = { .id = message->id,
				   .udid = message->udid,
				   .bus = message->bus,
				   .address = message->address };
	switch (message->kind) {
	case RESCUE_MUX_RESULT:
	case RESCUE_MUX_DEVICE_LIST:
		return on_result(client, message);
	case RESCUE_MUX_ATTACHED:
		if (message->is_usb && message->udid != NULL && client->spec.attached != NULL)
			client->spec.attached(&seen, client->spec.data);
		return true;
	case RESCUE_MUX_DETACHED:
		if (client->spec.detached != NULL)
			client->spec.detached(message->id, client->spec.data);
		return true;
	case RESCUE_MUX_OTHER:
		break;
	}
	return true;
}

static void
handle_messages(RescueMuxClient *client)
{
	g_autoptr(GError) error = NULL;
	for (;;) {
		g_auto(RescueMuxMessage) message = { .kind = RESCUE_MUX_OTHER };
		if (!rescue_mux_message_take(client->in, &message, &error))
			break;
		if (!on_message(client, &message))
			return;
	}
	if (error != NULL)
		give_up(client, g_steal_pointer(&error));
}

static gboolean
on_readable(GSocket *socket, GIOCondition condition, gpointer data)
{
	RescueMuxClient *client = data;
	g_autofree char *buffer = g_malloc(READ_SIZE);
	g_autoptr(GError) error = NULL;
	gssize size = g_socket_receive_with_blocking(socket, buffer, READ_SIZE, FALSE, NULL,
						     &error);
	if (size < 0 && g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
		return G_SOURCE_CONTINUE;
	client->refs++;
	if (size <= 0) {
		give_up(client, g_error_new(RESCUE_ERROR, RESCUE_FAILURE_NO_USBMUXD,
					    "usbmuxd closed the connection"));
	} else {
		g_byte_array_append(client->in, (const uint8_t *)buffer, (guint)size);
		handle_messages(client);
	}
	client_unref(client);
	return G_SOURCE_CONTINUE; /* removed with the connection */
}

static bool
send_request(RescueMuxClient *client, GError **error)
{
	g_autoptr(GBytes)
	    request = rescue_mux_request_new(client->once ? "ListDevices" : "Listen", 1);
	gsize size;
	const char *data = g_bytes_get_data(request, &size);
	GSocket *socket = g_socket_connection_get_socket(client->connection);
	g_autoptr(GSource) source = g_socket_create_source(socket, G_IO_IN | G_IO_HUP, NULL);
	/* a fresh socket's buffer has room for these few hundred bytes */
	if (g_socket_send_with_blocking(socket, data, size, FALSE, NULL, error) != (gssize)size)
		return false;
	g_source_set_callback(source, G_SOURCE_FUNC(on_readable), client, NULL);
	client->read_source = g_source_attach(source, NULL);
	return true;
}

static void
on_connected(GObject *object, GAsyncResult *result, gpointer data)
{
	RescueMuxClient *client = data;
	g_autoptr(GError) error = NULL;
	GSocketConnection *connection = g_socket_client_connect_finish(G_SOCKET_CLIENT(object),
								       result, &error);
	if (g_cancellable_is_cancelled(client->cancel)) {
		g_clear_object(&connection);
	} else if (connection == NULL) {
		give_up(client, g_error_new(RESCUE_ERROR, RESCUE_FAILURE_NO_USBMUXD,
					    "usbmuxd cannot be reached: %s", error->message));
	} else {
		client->connection = connection;
		client->reached = true;
		if (!send_request(client, &error))
			give_up(client, g_error_new(RESCUE_ERROR, RESCUE_FAILURE_NO_USBMUXD,
						    "usbmuxd takes no request: %s",
						    error != NULL ? error->message : "no room"));
	}
	client_unref(client);
}

static GSocketConnectable *
socket_address(GError **error)
{
	const char *where = g_getenv(ADDRESS_VARIABLE);
	if (where == NULL || where[0] == '\0')
		where = DEFAULT_SOCKET;
	if (g_str_has_prefix(where, UNIX_PREFIX))
		where += strlen(UNIX_PREFIX);
	if (where[0] == '/')
		return G_SOCKET_CONNECTABLE(g_unix_socket_address_new(where));
	return g_network_address_parse(where, DEFAULT_PORT, error);
}

static void
start_connecting(RescueMuxClient *client)
{
	g_autoptr(GSocketClient) connector = g_socket_client_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(GSocketConnectable) address = socket_address(&error);
	if (address == NULL) {
		give_up(client, g_error_new(RESCUE_ERROR, RESCUE_FAILURE_NO_USBMUXD,
					    ADDRESS_VARIABLE ": %s", error->message));
		return;
	}
	g_socket_client_set_enable_proxy(connector, FALSE);
	client->refs++;
	g_socket_client_connect_async(connector, address, client->cancel, on_connected, client);
}

static RescueMuxClient *
client_new(const RescueMuxClientSpec *spec, bool once)
{
	RescueMuxClient *client = g_new0(RescueMuxClient, 1);
	client->refs = 1;
	client->spec = *spec;
	client->once = once;
	client->cancel = g_cancellable_new();
	client->in = g_byte_array_new();
	client->pause_ms = FIRST_PAUSE_MS;
	start_connecting(client);
	return client;
}

RescueMuxClient *
rescue_mux_client_new(const RescueMuxClientSpec *spec)
{
	return client_new(spec, false);
}

void
rescue_mux_client_free(RescueMuxClient *client)
{
	if (client == NULL)
		return;
	g_cancellable_cancel(client->cancel);
	g_clear_handle_id(&client->retry_source, g_source_remove);
	disconnect_socket(client);
	client_unref(client);
}

bool
rescue_mux_client_is_settled(const RescueMuxClient *client)
{
	return client->settled;
}

/** Debian's usbmuxd is started by udev through systemd with the first device, and ends with the last one. */
static bool
is_started_on_demand(void)
{
	static const char *const needed[] = { "/run/systemd/system", "/run/udev/control",
					      "/lib/udev/rules.d/39-usbmuxd.rules" };
	if (g_getenv(ADDRESS_VARIABLE) != NULL)
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(needed); i++)
		if (!g_file_test(needed[i], G_FILE_TEST_EXISTS))
			return false;
	return true;
}

static gboolean
on_deadline(gpointer data)
{
	bool *over = data;
	*over = true;
	return G_SOURCE_CONTINUE; /* removed by whoever added it */
}

bool
rescue_usbmuxd_check(unsigned deadline_ms, GError **error)
{
	const RescueMuxClientSpec spec = { .data = NULL };
	g_autoptr(RescueMuxClient) client = client_new(&spec, true);
	bool over = false;
	guint deadline = g_timeout_add(deadline_ms, on_deadline, &over);
	while (!client->settled && !over)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(deadline);
	if (!client->settled) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_NO_USBMUXD,
			    "usbmuxd does not answer within %u ms", deadline_ms);
		return false;
	}
	if (client->error == NULL || (!client->reached && is_started_on_demand()))
		return true;
	g_propagate_error(error, g_steal_pointer(&client->error));
	return false;
}
