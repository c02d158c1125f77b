/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/system/doctor/servers.h"

#include <arpa/inet.h>
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>

#include "tests/lab/world/certificate.h"
#include "tests/lab/world/httpd.h"

enum {
	TLS_PORT = 443,
	PLAIN_PORT = 80,
	DNS_PORT = 53,
	FIRST_HOST = 10, /* 17.0.0.10 and on */
	MAX_MESSAGE = 512,
	DNS_HEADER = 12,
	DNS_TAIL = 4, /* type and class */
	TYPE_A = 1,
	MUX_HEADER = 16,
	FOUND = 302,
};

static const char *const names[HOUSE_HOSTS] = {
	[HOUSE_SIGNING] = "gs.apple.com",
	[HOUSE_FACTORY] = "gg.apple.com",
	[HOUSE_FIRMWARE] = "updates.cdn-apple.com",
	[HOUSE_ITUNES] = "itunes.apple.com",
	[HOUSE_IPSW_ME] = "api.ipsw.me",
	[HOUSE_APPLEDB] = "api.appledb.dev",
	[HOUSE_PORTAL] = "captive.apple.com",
};

struct Servers {
	char *dir;
	const HouseState *state;
	LabHttpd *apple, *foreign, *plain;
	GPtrArray *listeners; /* GSocketService */
	GSocket *dns;
	GSource *dns_source;
};

/* What stands behind one listening socket; NULL: it cuts. */
typedef struct {
	LabHttpd *httpd;
} Door;

static enum MHD_Result
answer(void *data, const LabHttpRequest *request)
{
	const Servers *servers = data;
	const HouseState *state = servers->state;
	g_autoptr(GBytes) body = NULL;

	if (state->redirect != NULL) {
		struct MHD_Response *response =
		    MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
		(void)MHD_add_response_header(response, "Location", state->redirect);
		enum MHD_Result result = MHD_queue_response(request->connection, FOUND, response);
		MHD_destroy_response(response);
		return result;
	}
	return lab_http_text(request, 200, "text/html",
			     strcmp(request->host, names[HOUSE_PORTAL]) == 0 ? state->portal : "");
}

static LabHttpd *
start_httpd(Servers *servers, const char *authority)
{
	const char *certified[HOUSE_HOSTS + 2] = { authority };
	g_autofree char *file = g_strdup_printf("%s/%s.pem", servers->dir, authority);
	LabCertificate certificate = { NULL, NULL };
	LabHttpdSpec spec = { .handler = answer, .data = servers };
	GError *error = NULL;
	LabHttpd *httpd;

	if (authority != NULL) {
		memcpy(certified + 1, names, sizeof(names));
		(void)lab_certificate_make(&certificate, certified, &error);
		g_assert_no_error(error);
		g_assert_true(g_file_set_contents(file, certificate.certificate_pem, -1, NULL));
		spec.key_pem = certificate.key_pem;
		spec.certificate_pem = certificate.certificate_pem;
	}
	httpd = lab_httpd_new(&spec, &error);
	g_assert_no_error(error);
	lab_certificate_clear(&certificate);
	return httpd;
}

/* as RFC 1035 has it: the question back, and one address for questions of type A */
static gsize
answer_name(const Servers *servers, guint8 *message, gsize size)
{
	const HouseState *state = servers->state;
	g_autoptr(GString) name = g_string_new(NULL);
	gsize at = DNS_HEADER;
	bool as_libc = message[11] != 0; /* with an additional record: EDNS */
	struct in_addr address;

	while (at < size && message[at] != 0) {
		g_string_append_len(name, (const char *)message + at + 1, message[at]);
		g_string_append_c(name, '.');
		at += message[at] + 1u;
	}
	g_string_truncate(name, name->len - 1);
	at += 1 + DNS_TAIL;
	bool wants_address = message[at - 3] == TYPE_A;
	message[2] = 0x81;
	message[3] = 0x80;
	memset(message + 6, 0, 6);
	address.s_addr = 0;
	for (unsigned i = 0; i < HOUSE_HOSTS; i++)
		if (strcmp(names[i], name->str) == 0)
			address.s_addr = htonl(SERVERS_NET | (FIRST_HOST + i));
	if (address.s_addr == 0 || g_strcmp0(state->dns_unknown, name->str) == 0) {
		message[3] |= 3;
		return at;
	}
	if (!wants_address)
		return at;
	if (state->dns_address != NULL)
		g_assert_cmpint(inet_pton(AF_INET, state->dns_address, &address), ==, 1);
	if (state->dns_other != NULL && as_libc)
		g_assert_cmpint(inet_pton(AF_INET, state->dns_other, &address), ==, 1);
	static const guint8 record[] = { 0xc0, DNS_HEADER, 0, TYPE_A, 0, 1, 0, 0, 0, 1, 0, 4 };
	message[7] = 1;
	memcpy(message + at, record, sizeof(record));
	memcpy(message + at + sizeof(record), &address.s_addr, sizeof(address.s_addr));
	return at + sizeof(record) + sizeof(address.s_addr);
}

static gboolean
on_question(GSocket *socket, GIOCondition condition, gpointer data)
{
	const Servers *servers = data;
	g_autoptr(GSocketAddress) from = NULL;
	guint8 message[MAX_MESSAGE];
	gssize size = g_socket_receive_from(socket, &from, (char *)message, MAX_MESSAGE / 2, NULL,
					    NULL);

	if (size > DNS_HEADER + DNS_TAIL && !servers->state->dns_silent) {
		gsize answer_size = answer_name(servers, message, (gsize)size);
		(void)g_socket_send_to(socket, from, (const char *)message, answer_size, NULL,
				       NULL); /* who went away is not missed */
	}
	return G_SOURCE_CONTINUE;
}

static GSocketAddress *
address_of(guint32 address, guint16 port)
{
	guint32 big = htonl(address);
	g_autoptr(GInetAddress)
	    inet = g_inet_address_new_from_bytes((const guint8 *)&big, G_SOCKET_FAMILY_IPV4);

	return g_inet_socket_address_new(inet, port);
}

static void
start_dns(Servers *servers)
{
	g_autoptr(GSocketAddress) address = address_of(SERVERS_NET | DNS_PORT, DNS_PORT);
	GError *error = NULL;

	servers->dns = g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM,
				    G_SOCKET_PROTOCOL_UDP, &error);
	g_assert_no_error(error);
	(void)g_socket_bind(servers->dns, address, TRUE, &error); /* judged by the error */
	g_assert_no_error(error);
	servers->dns_source = g_socket_create_source(servers->dns, G_IO_IN, NULL);
	g_source_set_callback(servers->dns_source, G_SOURCE_FUNC(on_question), servers, NULL);
	g_source_attach(servers->dns_source, NULL);
}

Servers *
servers_new(const char *dir)
{
	static const HouseState nothing = { .dns_silent = true };
	Servers *servers = g_new0(Servers, 1);

	servers->dir = g_strdup(dir);
	servers->state = &nothing;
	servers->listeners = g_ptr_array_new_with_free_func(g_object_unref);
	servers->apple = start_httpd(servers, "Apple");
	servers->foreign = start_httpd(servers, "foreign");
	servers->plain = start_httpd(servers, NULL);
	start_dns(servers);
	return servers;
}

static void
close_doors(Servers *servers)
{
	for (guint i = 0; i < servers->listeners->len; i++) {
		g_socket_service_stop(servers->listeners->pdata[i]);
		g_socket_listener_close(servers->listeners->pdata[i]);
	}
	g_ptr_array_set_size(servers->listeners, 0);
}

void
servers_free(Servers *servers)
{
	if (servers == NULL)
		return;
	close_doors(servers);
	g_ptr_array_unref(servers->listeners);
	g_source_destroy(servers->dns_source);
	g_source_unref(servers->dns_source);
	g_object_unref(servers->dns);
	lab_httpd_free(servers->apple);
	lab_httpd_free(servers->foreign);
	lab_httpd_free(servers->plain);
	g_free(servers->dir);
	g_free(servers);
}

static gboolean
on_visitor(GSocketService *service, GSocketConnection *connection, GObject *source, gpointer data)
{
	const Door *door = data;
	int fd = g_socket_get_fd(g_socket_connection_get_socket(connection));

	if (door->httpd != NULL)
		lab_httpd_adopt(door->httpd, dup(fd));
	return TRUE; /* ours is closed with the connection */
}

static void
free_door(gpointer data, GClosure *closure)
{
	g_free(data);
}

static void
open_door(Servers *servers, GSocketAddress *address, GCallback visitor, LabHttpd *httpd)
{
	GSocketService *service = g_socket_service_new();
	Door *door = g_new0(Door, 1);
	GError *error = NULL;

	door->httpd = httpd;
	(void)g_socket_listener_add_address(G_SOCKET_LISTENER(service), address,
					    G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL,
					    NULL, &error); /* judged by the error */
	g_assert_no_error(error);
	(void)g_signal_connect_data(service, "incoming", visitor, door, free_door,
				    0); /* goes with the service */
	g_socket_service_start(service);
	g_ptr_array_add(servers->listeners, service);
}

static void
open_port(Servers *servers, unsigned host, guint16 port, HousePort state, LabHttpd *httpd)
{
	g_autoptr(GSocketAddress) address = address_of(SERVERS_NET | (FIRST_HOST + host), port);

	if (state != HOUSE_PORT_CLOSED)
		open_door(servers, address, G_CALLBACK(on_visitor),
			  state == HOUSE_PORT_OPEN ? httpd : NULL);
}

static void
on_answered(GObject *stream, GAsyncResult *result, gpointer data)
{
	g_autoptr(GSocketConnection) connection = data;

	(void)g_output_stream_write_all_finish(G_OUTPUT_STREAM(stream), result, NULL,
					       NULL); /* who went away is not missed */
}

/* usbmuxd's header is length, version, type and tag, each 32 bits; no device is attached */
static gboolean
on_mux_visitor(GSocketService *service, GSocketConnection *connection, GObject *source,
	       gpointer data)
{
	static const char list[] =
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><plist version=\"1.0\">"
	    "<dict><key>DeviceList</key><array/></dict></plist>";
	static guint8 reply[MUX_HEADER + sizeof(list)];
	GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(connection));
	GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(connection));
	guint8 request[MAX_MESSAGE * 2];
	guint32 size = GUINT32_TO_LE(MUX_HEADER + sizeof(list) - 1);

	if (g_input_stream_read(in, request, sizeof(request), NULL, NULL) < MUX_HEADER)
		return TRUE;
	memcpy(reply, request, MUX_HEADER);
	memcpy(reply, &size, sizeof(size));
	memcpy(reply + MUX_HEADER, list, sizeof(list) - 1);
	g_output_stream_write_all_async(out, reply, GUINT32_FROM_LE(size), G_PRIORITY_DEFAULT, NULL,
					on_answered, g_object_ref(connection));
	return TRUE;
}

static void
open_mux(Servers *servers)
{
	g_autofree char *path = g_build_filename(servers->dir, "usbmuxd.socket", NULL);
	g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);

	(void)g_unlink(path); /* of the run before */
	if (servers->state->mux == HOUSE_MUX_ANSWERS)
		open_door(servers, address, G_CALLBACK(on_mux_visitor), NULL);
	else if (servers->state->mux == HOUSE_MUX_CUTS)
		open_door(servers, address, G_CALLBACK(on_visitor), NULL);
}

void
servers_apply(Servers *servers, const HouseState *state)
{
	LabHttpd *tls = state->foreign ? servers->foreign : servers->apple;

	servers->state = state;
	close_doors(servers);
	for (unsigned i = 0; i < HOUSE_HOSTS; i++) {
		open_port(servers, i, TLS_PORT, state->tls[i], tls);
		open_port(servers, i, PLAIN_PORT, state->plain[i], servers->plain);
	}
	open_mux(servers);
}
