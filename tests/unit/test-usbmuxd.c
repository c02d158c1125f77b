/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "transport/devices/mux-message.h"
#include "transport/devices/usbmuxd.h"

/* The client against a small usbmuxd of our own that answers what the test wants it to. */

#define ADDRESS "USBMUXD_SOCKET_ADDRESS"
#define RESULT_OK                                                                          \
	"<dict><key>MessageType</key><string>Result</string><key>Number</key><integer>0</" \
	"integer></dict>"
#define RESULT_BAD                                                                         \
	"<dict><key>MessageType</key><string>Result</string><key>Number</key><integer>1</" \
	"integer></dict>"
#define LIST "<dict><key>DeviceList</key><array/></dict>"
#define ATTACHED(id, type, udid, location)                                                      \
	"<dict><key>MessageType</key><string>Attached</string><key>DeviceID</key><integer>" #id \
	"</integer>"                                                                            \
	"<key>Properties</key><dict><key>ConnectionType</key><string>" type "</string>"         \
	"<key>LocationID</key><integer>" #location                                              \
	"</integer><key>ProductID</key><integer>4776</integer>"                                 \
	"<key>SerialNumber</key><string>" udid "</string></dict></dict>"
#define DETACHED(id)                                                                            \
	"<dict><key>MessageType</key><string>Detached</string><key>DeviceID</key><integer>" #id \
	"</integer></dict>"
#define UDID "00008030-000A1B2C3D4E5F60"

enum {
	DEADLINE_MS = 20000,
	CHECK_MS = 5000,
	SHORT_MS = 200,
	VERSION = 1,
	TYPE = 8,
	MAX_ANSWERS = 8
};

typedef struct {
	char *dir, *path;
	GSocketService *service;
	GSocketConnection *connection; /* the last one */
	GSource *source;
	const char *answers[MAX_ANSWERS]; /* plist bodies sent after a request, in one go */
	GBytes *raw;                      /* sent instead */
	GString *request;
	unsigned connections;
} Server;

typedef struct {
	GString *story;
	unsigned events;
} Told;

static void
append_message(GByteArray *bytes, uint32_t version, uint32_t type, const char *body)
{
	g_autofree char *text = g_strconcat("<plist version=\"1.0\">", body, "</plist>", NULL);
	uint32_t words[] = { RESCUE_MUX_HEADER_SIZE + (uint32_t)strlen(text), version, type, 1 };
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		words[i] = GUINT32_TO_LE(words[i]);
	g_byte_array_append(bytes, (const uint8_t *)words, sizeof words);
	g_byte_array_append(bytes, (const uint8_t *)text, (guint)strlen(text));
}

static void
server_send(Server *server, const void *data, size_t size)
{
	GSocket *socket = g_socket_connection_get_socket(server->connection);
	g_assert_cmpint(g_socket_send(socket, data, size, NULL, NULL), ==, (gssize)size);
}

static void
server_say(Server *server, const char *body)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	append_message(bytes, VERSION, TYPE, body);
	server_send(server, bytes->data, bytes->len);
}

static gboolean
on_request(GSocket *socket, GIOCondition condition, gpointer data)
{
	Server *server = data;
	char buffer[4096];
	gssize size = g_socket_receive(socket, buffer, sizeof buffer, NULL, NULL);
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	if (size <= 0)
		return G_SOURCE_REMOVE;
	g_string_append_len(server->request, buffer + RESCUE_MUX_HEADER_SIZE,
			    size - RESCUE_MUX_HEADER_SIZE);
	for (size_t i = 0; i < MAX_ANSWERS && server->answers[i] != NULL; i++)
		append_message(bytes, VERSION, TYPE, server->answers[i]);
	if (server->raw != NULL)
		g_byte_array_append(bytes, g_bytes_get_data(server->raw, NULL),
				    (guint)g_bytes_get_size(server->raw));
	if (bytes->len > 0)
		server_send(server, bytes->data, bytes->len);
	return G_SOURCE_CONTINUE;
}

static void
server_hang_up(Server *server)
{
	if (server->source != NULL) {
		g_source_destroy(server->source);
		g_clear_pointer(&server->source, g_source_unref);
	}
	if (server->connection != NULL)
		(void)g_io_stream_close(G_IO_STREAM(server->connection), NULL, NULL);
	g_clear_object(&server->connection);
}

static gboolean
on_incoming(GSocketService *service, GSocketConnection *connection, GObject *source, gpointer data)
{
	Server *server = data;
	server_hang_up(server);
	server->connections++;
	server->connection = g_object_ref(connection);
	server->source = g_socket_create_source(g_socket_connection_get_socket(connection), G_IO_IN,
						NULL);
	g_source_set_callback(server->source, G_SOURCE_FUNC(on_request), server, NULL);
	g_source_attach(server->source, NULL);
	return TRUE;
}

/** Not listening yet. */
static void
server_init(Server *server)
{
	*server = (Server){ .dir = g_dir_make_tmp("rescue-mux-XXXXXX", NULL),
			    .request = g_string_new(NULL) };
	server->path = g_build_filename(server->dir, "usbmuxd", NULL);
	g_autofree char *address = g_strconcat("UNIX:", server->path, NULL);
	g_assert_true(g_setenv(ADDRESS, address, TRUE));
}

static void
server_listen(Server *server)
{
	g_autoptr(GSocketAddress) address = g_unix_socket_address_new(server->path);
	server->service = g_socket_service_new();
	g_assert_true(g_socket_listener_add_address(G_SOCKET_LISTENER(server->service), address,
						    G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT,
						    NULL, NULL, NULL));
	g_signal_connect(server->service, "incoming", G_CALLBACK(on_incoming), server);
}

static void
server_stop(Server *server)
{
	server_hang_up(server);
	if (server->service != NULL)
		g_socket_service_stop(server->service);
	while (g_main_context_iteration(NULL, FALSE))
		continue; /* what was cancelled lets go of its memory */
	if (server->service != NULL)
		g_socket_listener_close(G_SOCKET_LISTENER(server->service));
	g_clear_object(&server->service);
	(void)g_unlink(server->path); /* may not be there */
}

static void
server_clear(Server *server)
{
	server_stop(server);
	g_assert_cmpint(g_rmdir(server->dir), ==, 0);
	g_clear_pointer(&server->raw, g_bytes_unref);
	g_string_free(server->request, TRUE);
	g_free(server->path);
	g_free(server->dir);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Server, server_clear)

static void
on_attached(const RescueMuxSighting *seen, void *data)
{
	Told *told = data;
	told->events++;
	g_string_append_printf(told->story, "+%u:%s@%u.%u ", seen->id, seen->udid, seen->bus,
			       seen->address);
}

static void
on_detached(unsigned id, void *data)
{
	Told *told = data;
	told->events++;
	g_string_append_printf(told->story, "-%u ", id);
}

static void
on_lost(void *data)
{
	Told *told = data;
	told->events++;
	g_string_append(told->story, "lost ");
}

static void
told_clear(Told *told)
{
	g_string_free(told->story, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Told, told_clear)

static RescueMuxClient *
client_new(Told *told)
{
	*told = (Told){ .story = g_string_new(NULL) };
	return rescue_mux_client_new(&(RescueMuxClientSpec){
	    .attached = on_attached, .detached = on_detached, .lost = on_lost, .data = told });
}

static gboolean
on_deadline(gpointer data)
{
	g_assert_not_reached();
	return G_SOURCE_REMOVE;
}

/** Runs the loop until so much was told. */
static void
wait_events(const Told *told, unsigned events)
{
	guint deadline = g_timeout_add(DEADLINE_MS, on_deadline, NULL);
	while (told->events < events)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(deadline);
}

static void
wait_settled(const RescueMuxClient *client)
{
	while (!rescue_mux_client_is_settled(client))
		g_main_context_iteration(NULL, TRUE);
}

static void
test_events_arrive_in_order(void)
{
	g_auto(Server) server;
	g_auto(Told) told = { NULL, 0 };
	server_init(&server);
	server.answers[0] = RESULT_OK;
	server.answers[1] = ATTACHED(1, "USB", UDID, 65547);
	server.answers[2] = ATTACHED(2, "Network", UDID, 0);
	server_listen(&server);
	g_autoptr(RescueMuxClient) client = client_new(&told);
	g_assert_false(rescue_mux_client_is_settled(client));
	wait_settled(client);
	g_assert_cmpstr(told.story->str, ==, "+1:" UDID "@1.11 ");
	g_assert_nonnull(strstr(server.request->str, "<string>Listen</string>"));
	server_say(&server, DETACHED(1));
	server_say(&server, ATTACHED(3, "USB", UDID, 65548));
	wait_events(&told, 3);
	g_assert_cmpstr(told.story->str, ==, "+1:" UDID "@1.11 -1 +3:" UDID "@1.12 ");
}

static void
test_message_in_pieces_is_one_message(void)
{
	g_autoptr(GByteArray) whole = g_byte_array_new();
	g_autoptr(GByteArray) stream = g_byte_array_new();
	g_autoptr(GError) error = NULL;
	append_message(whole, VERSION, TYPE, ATTACHED(7, "USB", UDID, 131077));
	for (guint i = 0; i < whole->len; i++) {
		g_auto(RescueMuxMessage) message = { .kind = RESCUE_MUX_OTHER };
		bool last = i + 1 == whole->len;
		g_byte_array_append(stream, whole->data + i, 1);
		g_assert_true(rescue_mux_message_take(stream, &message, &error) == last);
		g_assert_no_error(error);
		if (!last)
			continue;
		g_assert_cmpint(message.kind, ==, RESCUE_MUX_ATTACHED);
		g_assert_cmpuint(message.id, ==, 7);
		g_assert_cmpuint(message.bus, ==, 2);
		g_assert_cmpuint(message.address, ==, 5);
	}
	g_assert_cmpuint(stream->len, ==, 0);
}

static void
test_strange_bodies_are_of_no_interest(void)
{
	static const char *const bodies[] = {
		"",
		"<string>Attached</string>",
		"<array/>",
		"<dict>",
		"<dict><key>MessageType</key><integer>1</integer></dict>",
		"<dict><key>MessageType</key><string>Attached</string></dict>",
		"<dict><key>MessageType</key><string>Detached</string><key>DeviceID</"
		"key><string>1</string></dict>",
		"<dict><key>MessageType</key><string>Detached</string><key>DeviceID</"
		"key><integer>-1</integer></dict>",
	};
	g_autoptr(GByteArray) stream = g_byte_array_new();
	g_autoptr(GError) error = NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
		g_auto(RescueMuxMessage) message = { .kind = RESCUE_MUX_RESULT };
		append_message(stream, VERSION, TYPE, bodies[i]);
		g_assert_true(rescue_mux_message_take(stream, &message, &error));
		g_assert_no_error(error);
		g_assert_cmpint(message.kind, ==, RESCUE_MUX_OTHER);
	}
}

static void
test_attached_without_properties_names_nobody(void)
{
	g_autoptr(GByteArray) stream = g_byte_array_new();
	g_auto(RescueMuxMessage) message = { .kind = RESCUE_MUX_OTHER };
	append_message(stream, VERSION, TYPE,
		       "<dict><key>MessageType</key><string>Attached</string><key>DeviceID</"
		       "key><integer>1</integer>"
		       "<key>Properties</key><string>none</string></dict>");
	g_assert_true(rescue_mux_message_take(stream, &message, NULL));
	g_assert_null(message.udid);
}

static void
test_lost_connection_is_told_and_made_again(void)
{
	g_auto(Server) server;
	g_auto(Told) told = { NULL, 0 };
	server_init(&server);
	server.answers[0] = RESULT_OK;
	server.answers[1] = ATTACHED(1, "USB", UDID, 65547);
	server_listen(&server);
	g_autoptr(RescueMuxClient) client = client_new(&told);
	wait_events(&told, 1);
	server_hang_up(&server);
	wait_events(&told, 3);
	g_assert_cmpstr(told.story->str, ==, "+1:" UDID "@1.11 lost +1:" UDID "@1.11 ");
	g_assert_cmpuint(server.connections, ==, 2);
	wait_settled(client);
}

static void
test_usbmuxd_may_come_later(void)
{
	g_auto(Server) server;
	g_auto(Told) told = { NULL, 0 };
	server_init(&server);
	server.answers[0] = RESULT_OK;
	server.answers[1] = ATTACHED(1, "USB", UDID, 65547);
	g_autoptr(RescueMuxClient) client = client_new(&told);
	wait_settled(client); /* nobody there: that is an answer too */
	g_assert_cmpuint(told.events, ==, 0);
	server_listen(&server);
	wait_events(&told, 1);
	g_assert_cmpstr(told.story->str, ==, "+1:" UDID "@1.11 ");
}

static void
test_client_that_is_freed_at_once_leaves_nothing(void)
{
	g_auto(Server) server;
	g_auto(Told) told = { NULL, 0 };
	server_init(&server);
	server_listen(&server);
	rescue_mux_client_free(client_new(&told));
	rescue_mux_client_free(NULL);
}

static void
assert_check_fails(unsigned deadline_ms, const char *words)
{
	g_autoptr(GError) error = NULL;
	g_assert_false(rescue_usbmuxd_check(deadline_ms, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_FAILURE_NO_USBMUXD);
	if (strstr(error->message, words) == NULL)
		g_test_message("%s", error->message);
	g_assert_nonnull(strstr(error->message, words));
}

static void
test_check_wants_a_list(void)
{
	g_auto(Server) server;
	g_autoptr(GError) error = NULL;
	server_init(&server);
	assert_check_fails(CHECK_MS, "cannot be reached");
	server.answers[0] = LIST;
	server_listen(&server);
	g_assert_true(rescue_usbmuxd_check(CHECK_MS, &error));
	g_assert_no_error(error);
	g_assert_nonnull(strstr(server.request->str, "<string>ListDevices</string>"));
	server.answers[0] = RESULT_BAD;
	assert_check_fails(CHECK_MS, "refuses");
}

static void
test_check_of_a_mute_usbmuxd_ends(void)
{
	g_auto(Server) server;
	server_init(&server);
	server_listen(&server);
	assert_check_fails(SHORT_MS, "within 200 ms");
}

static void
test_check_knows_another_protocol(void)
{
	static const uint32_t headers[][4] = {
		{ 20, 0, 1, 1 },         /* the binary protocol of old versions */
		{ 0xffffffff, 1, 8, 1 }, /* more than anybody would send */
		{ 3, 1, 8, 1 },          /* less than a header */
	};
	g_auto(Server) server;
	server_init(&server);
	server_listen(&server);
	for (size_t i = 0; i < G_N_ELEMENTS(headers); i++) {
		uint32_t words[4];
		for (size_t k = 0; k < G_N_ELEMENTS(words); k++)
			words[k] = GUINT32_TO_LE(headers[i][k]);
		g_clear_pointer(&server.raw, g_bytes_unref);
		server.raw = g_bytes_new(words, sizeof words);
		assert_check_fails(CHECK_MS, "version 1");
	}
}

static void
test_address_forms(void)
{
	g_auto(Server) server;
	g_autoptr(GError) error = NULL;
	server_init(&server);
	server.answers[0] = LIST;
	server_listen(&server);
	g_assert_true(g_setenv(ADDRESS, server.path, TRUE)); /* without UNIX: */
	g_assert_true(rescue_usbmuxd_check(CHECK_MS, &error));
	guint16 port = g_socket_listener_add_any_inet_port(G_SOCKET_LISTENER(server.service), NULL,
							   NULL);
	g_autofree char *address = g_strdup_printf("127.0.0.1:%u", port);
	g_assert_true(g_setenv(ADDRESS, address, TRUE));
	g_assert_true(rescue_usbmuxd_check(CHECK_MS, &error));
	g_assert_no_error(error);
	g_assert_true(g_setenv(ADDRESS, "127.0.0.1:port", TRUE));
	assert_check_fails(CHECK_MS, ADDRESS);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/usbmuxd/" #name, test_##name)
	ADD(events_arrive_in_order);
	ADD(message_in_pieces_is_one_message);
	ADD(strange_bodies_are_of_no_interest);
	ADD(attached_without_properties_names_nobody);
	ADD(lost_connection_is_told_and_made_again);
	ADD(usbmuxd_may_come_later);
	ADD(client_that_is_freed_at_once_leaves_nothing);
	ADD(check_wants_a_list);
	ADD(check_of_a_mute_usbmuxd_ends);
	ADD(check_knows_another_protocol);
	ADD(address_forms);
#undef ADD
	return g_test_run();
}
