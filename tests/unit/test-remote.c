/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <gio/gio.h>
#include <glib.h>
#include <glib/gstdio.h>

#include <zlib.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "firmware/fetch/remote.h"
#include "firmware/ipsw/ipsw.h"

/*
 * A firmware file of ten gigabytes on a web server: a sparse zip64 archive behind a server of a few lines, in a thread
 * of its own since the reader blocks. What is sent is counted where it is sent.
 */

#define IMAGE_BYTES    (UINT64_C(10) * 1000 * 1000 * 1000)
#define PADDING_BYTES  (600u * 1024) /* a real manifest is large */
#define GOAL_BYTES     (UINT64_C(2) * 1000 * 1000)
#define DEADLINE_MS    20000u
#define REQUEST_BYTES  4096u
#define HEAD_OF_MEMBER 30u

#define MANIFEST                                                                              \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?><plist version=\"1.0\"><dict>"             \
	"<key>ProductVersion</key><string>15.0</string>"                                      \
	"<key>ProductBuildVersion</key><string>19A346</string>"                               \
	"<key>SupportedProductTypes</key><array><string>iPhone10,3</string></array>"          \
	"<key>BuildIdentities</key><array><dict>"                                             \
	"<key>ApChipID</key><string>0x8015</string><key>ApBoardID</key><string>0x06</string>" \
	"<key>Info</key><dict><key>DeviceClass</key><string>d22ap</string>"                   \
	"<key>RestoreBehavior</key><string>Erase</string>"                                    \
	"<key>Variant</key><string>Customer Erase Install (IPSW)</string></dict>"             \
	"<key>Manifest</key><dict><key>OS</key><dict><key>Info</key><dict>"                   \
	"<key>Path</key><string>os.dmg</string></dict></dict></dict></dict></array></dict></" \
	"plist>"

/* ---- the archive ------------------------------------------------------------------------------ */

static void
put(GByteArray *out, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++) {
		uint8_t byte = i < sizeof(value) ? (uint8_t)(value >> (8 * i)) : 0;
		g_byte_array_append(out, &byte, 1);
	}
}

static void
put_text(GByteArray *out, const char *text)
{
	g_byte_array_append(out, (const uint8_t *)text, (guint)strlen(text));
}

static void
put_local(GByteArray *out, const char *name, uint32_t crc, uint64_t size)
{
	put(out, 0x04034b50, 4);
	put(out, 45, 2);
	put(out, 0, 2 + 2 + 4);
	put(out, crc, 4);
	put(out, MIN(size, 0xffffffff), 4);
	put(out, MIN(size, 0xffffffff), 4);
	put(out, strlen(name), 2);
	put(out, 0, 2);
	put_text(out, name);
}

static void
put_entry(GByteArray *out, const char *name, uint32_t crc, uint64_t size, uint64_t offset)
{
	put(out, 0x02014b50, 4);
	put(out, 45, 2);
	put(out, 45, 2);
	put(out, 0, 2 + 2 + 4);
	put(out, crc, 4);
	put(out, 0xffffffff, 4);
	put(out, 0xffffffff, 4);
	put(out, strlen(name), 2);
	put(out, 28, 2);
	put(out, 0, 2 + 2 + 2 + 4);
	put(out, 0xffffffff, 4);
	put_text(out, name);
	put(out, 1, 2);
	put(out, 24, 2);
	put(out, size, 8);
	put(out, size, 8);
	put(out, offset, 8);
}

static void
put_end(GByteArray *out, unsigned count, uint64_t directory, uint64_t bytes)
{
	put(out, 0x06064b50, 4);
	put(out, 44, 8);
	put(out, 45, 2);
	put(out, 45, 2);
	put(out, 0, 8);
	put(out, count, 8);
	put(out, count, 8);
	put(out, bytes, 8);
	put(out, directory, 8);
	put(out, 0x07064b50, 4);
	put(out, 0, 4);
	put(out, directory + bytes, 8);
	put(out, 1, 4);
	put(out, 0x06054b50, 4);
	put(out, 0, 4);
	put(out, 0xffff, 2);
	put(out, 0xffff, 2);
	put(out, 0xffffffff, 4);
	put(out, 0xffffffff, 4);
	put(out, 0, 2);
}

static char *
make_manifest(void)
{
	g_autofree char *padding = g_strnfill(PADDING_BYTES, ' ');

	return g_strconcat(MANIFEST, padding, NULL);
}

/* the image is first, as it mostly is, and a hole */
static void
write_archive(const char *path)
{
	g_autofree char *manifest = make_manifest();
	size_t size = strlen(manifest);
	uint32_t crc = (uint32_t)crc32(0, (const Bytef *)manifest, (uInt)size);
	uint64_t behind = HEAD_OF_MEMBER + strlen("os.dmg") + IMAGE_BYTES;
	uint64_t directory = behind + HEAD_OF_MEMBER + strlen("BuildManifest.plist") + size;
	g_autoptr(GByteArray) head = g_byte_array_new();
	g_autoptr(GByteArray) tail = g_byte_array_new();
	guint before;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	put_local(head, "os.dmg", 0, IMAGE_BYTES);
	put_local(tail, "BuildManifest.plist", crc, size);
	put_text(tail, manifest);
	before = tail->len;
	put_entry(tail, "os.dmg", 0, IMAGE_BYTES, 0);
	put_entry(tail, "BuildManifest.plist", crc, size, behind);
	put_end(tail, 2, directory, tail->len - before);
	g_assert_cmpint(pwrite(fd, head->data, head->len, 0), ==, head->len);
	g_assert_cmpint(pwrite(fd, tail->data, tail->len, (off_t)behind), ==, tail->len);
	g_assert_cmpint(close(fd), ==, 0);
}

/* ---- the server ------------------------------------------------------------------------------- */

typedef struct {
	char *path, *url;
	GSocketListener *listener;
	GThread *thread;
	GCancellable *stop;
	bool whole;    /* it does not know ranges */
	uint64_t sent; /* read when the thread has ended */
} Server;

static bool
send_all(GSocketConnection *connection, const void *bytes, size_t count)
{
	GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(connection));

	return g_output_stream_write_all(out, bytes, count, NULL, NULL, NULL);
}

static void
answer(Server *server, GSocketConnection *connection, const char *request)
{
	const char *range = strstr(request, "Range: bytes=");
	int fd = open(server->path, O_RDONLY | O_CLOEXEC);
	uint64_t size = (uint64_t)lseek(fd, 0, SEEK_END), first = 0, last = size - 1;
	g_autofree char *head = NULL, *body = NULL;
	char *rest = NULL;

	range = range != NULL && !server->whole ? range + strlen("Range: bytes=") : NULL;
	if (range != NULL && *range == '-')
		first = size - g_ascii_strtoull(range + 1, NULL, 10);
	else if (range != NULL) {
		first = g_ascii_strtoull(range, &rest, 10);
		last = g_ascii_strtoull(rest + 1, NULL, 10);
	}
	head = range != NULL
		   ? g_strdup_printf("HTTP/1.1 206 Partial Content\r\nContent-Length: "
				     "%" G_GUINT64_FORMAT "\r\nContent-Range: bytes "
				     "%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT
				     "/%" G_GUINT64_FORMAT "\r\nConnection: close\r\n\r\n",
				     last - first + 1, first, last, size)
		   : g_strdup_printf("HTTP/1.1 200 OK\r\nContent-Length: %" G_GUINT64_FORMAT
				     "\r\nConnection: close\r\n\r\n",
				     size);
	body = g_malloc(1u << 20);
	(void)send_all(connection, head, strlen(head));
	while (first <= last) {
		size_t part = (size_t)MIN(last - first + 1, 1u << 20);
		g_assert_cmpint(pread(fd, body, part, (off_t)first), ==, part);
		if (!send_all(connection, body, part))
			break;
		server->sent += part;
		first += part;
	}
	(void)close(fd);
}

static void *
serve(void *data)
{
	Server *server = data;

	for (;;) {
		g_autoptr(GSocketConnection) connection =
		    g_socket_listener_accept(server->listener, NULL, server->stop, NULL);
		char request[REQUEST_BYTES] = "";
		size_t size = 0;
		ssize_t got = 1;
		if (connection == NULL)
			return NULL;
		while (got > 0 && size < sizeof(request) - 1 &&
		       strstr(request, "\r\n\r\n") == NULL) {
			got = g_input_stream_read(g_io_stream_get_input_stream(
						      G_IO_STREAM(connection)),
						  request + size, sizeof(request) - 1 - size, NULL,
						  NULL);
			size += (size_t)MAX(got, 0);
		}
		answer(server, connection, request);
	}
}

static Server *
server_start(bool whole)
{
	Server *server = g_new0(Server, 1);
	uint16_t port;

	server->path = g_strdup_printf("%s/remote-%d.ipsw", g_get_tmp_dir(), (int)getpid());
	write_archive(server->path);
	server->whole = whole;
	server->stop = g_cancellable_new();
	server->listener = g_socket_listener_new();
	port = g_socket_listener_add_any_inet_port(server->listener, NULL, NULL);
	server->url = g_strdup_printf("http://127.0.0.1:%u/phone.ipsw", port);
	server->thread = g_thread_new("server", serve, server);
	return server;
}

/* how much it has sent */
static uint64_t
server_stop(Server *server)
{
	uint64_t sent;

	g_cancellable_cancel(server->stop);
	(void)g_thread_join(server->thread);
	sent = server->sent;
	g_object_unref(server->listener);
	g_object_unref(server->stop);
	(void)g_unlink(server->path);
	g_free(server->path);
	g_free(server->url);
	g_free(server);
	return sent;
}

/* ---- tests ------------------------------------------------------------------------------------ */

static void
test_manifest_of_ten_gigabytes_costs_little(void)
{
	Server *server = server_start(false);
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueRemote) remote = rescue_remote_open(server->url, DEADLINE_MS, &error);
	RescueZipSource source = { .read = rescue_remote_read, .self = remote };
	g_autoptr(RescueFirmware) firmware = NULL;
	uint64_t sent;

	g_assert_no_error(error);
	source.size = rescue_remote_size(remote);
	firmware = rescue_ipsw_read_source(server->url, &source, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(firmware->build, ==, "19A346");
	g_assert_cmpuint(firmware->os_image_bytes, ==, IMAGE_BYTES);
	g_assert_cmpuint(firmware->size_bytes, >, IMAGE_BYTES);
	sent = server_stop(server);
	g_test_message("%" G_GUINT64_FORMAT " bytes sent", sent);
	g_assert_cmpuint(sent, <, GOAL_BYTES);
	g_assert_cmpuint(sent, >, PADDING_BYTES);
}

static void
test_server_without_ranges_is_not_listened_to(void)
{
	Server *server = server_start(true);
	g_autoptr(GError) error = NULL;

	g_assert_null(rescue_remote_open(server->url, DEADLINE_MS, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_FAILURE_DOWNLOAD_FAILED);
	g_assert_nonnull(strstr(error->message, "whole files"));
	/* what was on its way when we hung up */
	g_assert_cmpuint(server_stop(server), <, IMAGE_BYTES / 100);
}

static void
test_nobody_there_is_an_error(void)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(rescue_remote_open("http://127.0.0.1:9/x.ipsw", DEADLINE_MS, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_FAILURE_DOWNLOAD_FAILED);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_unsetenv("http_proxy");
	g_test_add_func("/remote/manifest", test_manifest_of_ten_gigabytes_costs_little);
	g_test_add_func("/remote/whole", test_server_without_ranges_is_not_listened_to);
	g_test_add_func("/remote/nobody", test_nobody_there_is_an_error);
	return g_test_run();
}
