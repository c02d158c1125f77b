/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/attach/usbredir.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <gio/gio.h>
#include <glib-unix.h>

#include "tests/lab/attach/redir-internal.h"

struct LabRedir {
	LabRecord *record; /* borrowed */
	GPtrArray *ports;  /* of LabRedirPort */
};

/* ---- bytes to and from QEMU ------------------------------------------------------------------ */

static void
on_parser_log(void *data, int level, const char *message)
{
	const LabRedirPort *port = data;
	if (level <= usbredirparser_warning)
		g_warning("port %s: %s", port->name, message);
}

static int
read_socket(void *data, uint8_t *bytes, int count)
{
	const LabRedirPort *port = data;
	ssize_t got = recv(port->fd, bytes, (size_t)count, 0);
	if (got > 0)
		return (int)got;
	return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static int
write_socket(void *data, uint8_t *bytes, int count)
{
	const LabRedirPort *port = data;
	ssize_t sent = send(port->fd, bytes, (size_t)count, MSG_NOSIGNAL);
	if (sent >= 0)
		return (int)sent;
	return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

static gboolean
on_writable(int fd, GIOCondition condition, void *data)
{
	LabRedirPort *port = data;
	port->out_source = 0;
	lab_redir_flush(port);
	return G_SOURCE_REMOVE;
}

void
lab_redir_flush(LabRedirPort *port)
{
	if (port->parser == NULL || port->out_source != 0)
		return;
	/* a broken socket is seen by the reading side */
	if (usbredirparser_do_write(port->parser) == 0 &&
	    usbredirparser_has_data_to_write(port->parser) > 0)
		port->out_source = g_unix_fd_add(port->fd, G_IO_OUT, on_writable, port);
}

/* ---- one port -------------------------------------------------------------------------------- */

static void
disconnect(LabRedirPort *port)
{
	g_clear_handle_id(&port->in_source, g_source_remove);
	g_clear_handle_id(&port->out_source, g_source_remove);
	lab_redir_drop_transfers(port);
	g_clear_pointer(&port->wire, lab_wire_free);
	g_clear_pointer(&port->parser, usbredirparser_destroy);
	if (port->fd >= 0)
		(void)close(port->fd);
	port->fd = -1;
	port->greeted = port->announced = port->leaving = false;
}

static void
port_free(void *data)
{
	LabRedirPort *port = data;
	disconnect(port);
	g_clear_handle_id(&port->accept_source, g_source_remove);
	if (port->listen_fd >= 0)
		(void)close(port->listen_fd);
	if (port->socket != NULL)
		(void)unlink(port->socket); /* the directory may be gone already */
	g_free(port->socket);
	g_free(port->name);
	g_free(port);
}

static gboolean
on_readable(int fd, GIOCondition condition, void *data)
{
	LabRedirPort *port = data;
	int rc = usbredirparser_do_read(port->parser);
	if (rc == usbredirparser_read_io_error) {
		port->in_source = 0;
		disconnect(port);
		return G_SOURCE_REMOVE;
	}
	lab_redir_flush(port);
	return G_SOURCE_CONTINUE;
}

static void
on_hello(void *data, struct usb_redir_hello_header *hello)
{
	LabRedirPort *port = data;
	port->greeted = true;
	if (port->phone != NULL)
		lab_redir_announce(port);
}

static void
on_disconnect_ack(void *data)
{
	LabRedirPort *port = data;
	port->leaving = false;
	if (port->phone != NULL)
		lab_redir_announce(port);
}

static void
start_parser(LabRedirPort *port)
{
	uint32_t caps[USB_REDIR_CAPS_SIZE] = { 0 };
	struct usbredirparser *parser = usbredirparser_create();
	parser->priv = port;
	parser->log_func = on_parser_log;
	parser->read_func = read_socket;
	parser->write_func = write_socket;
	parser->hello_func = on_hello;
	parser->device_disconnect_ack_func = on_disconnect_ack;
	lab_redir_set_device_callbacks(parser);
	lab_redir_set_transfer_callbacks(parser);
	usbredirparser_caps_set_cap(caps, usb_redir_cap_connect_device_version);
	usbredirparser_caps_set_cap(caps, usb_redir_cap_device_disconnect_ack);
	usbredirparser_caps_set_cap(caps, usb_redir_cap_ep_info_max_packet_size);
	usbredirparser_caps_set_cap(caps, usb_redir_cap_64bits_ids);
	usbredirparser_caps_set_cap(caps, usb_redir_cap_32bits_bulk_length);
	usbredirparser_init(parser, "idevicerescue-lab", caps, USB_REDIR_CAPS_SIZE,
			    usbredirparser_fl_usb_host);
	port->parser = parser;
}

static gboolean
on_incoming(int listen_fd, GIOCondition condition, void *data)
{
	LabRedirPort *port = data;
	struct ucred peer = { 0 };
	socklen_t size = sizeof peer;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return G_SOURCE_CONTINUE;
	disconnect(port); /* a machine that was started anew */
	(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
	port->fd = fd;
	port->pid = peer.pid;
	start_parser(port);
	port->in_source = g_unix_fd_add(fd, G_IO_IN | G_IO_HUP, on_readable, port);
	lab_redir_flush(port);
	return G_SOURCE_CONTINUE;
}

static int
listen_on(const char *path, GError **error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof address.sun_path) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FILENAME_TOO_LONG,
			    "path of a port's socket is too long: ‘%s’", path);
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	(void)unlink(path); /* a dead run's; usually not there */
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
	    listen(fd, 1) == 0)
		return fd;
	int code = errno;
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(code), "cannot listen on ‘%s’: %s",
		    path, g_strerror(code));
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

bool
lab_redir_add_port(LabRedir *redir, const char *name, const char *socket, bool full_speed,
		   GError **error)
{
	int fd = listen_on(socket, error);
	if (fd < 0)
		return false;
	LabRedirPort *port = g_new0(LabRedirPort, 1);
	port->redir = redir;
	port->name = g_strdup(name);
	port->socket = g_strdup(socket);
	port->full_speed = full_speed;
	port->listen_fd = fd;
	port->fd = -1;
	g_queue_init(&port->waiting);
	g_queue_init(&port->parked);
	port->accept_source = g_unix_fd_add(fd, G_IO_IN, on_incoming, port);
	g_ptr_array_add(redir->ports, port);
	return true;
}

/* ---- plug and unplug ------------------------------------------------------------------------- */

static void
redir_plug(void *self, LabPhone *phone)
{
	LabRedir *redir = self;
	for (guint i = 0; i < redir->ports->len; i++) {
		LabRedirPort *port = g_ptr_array_index(redir->ports, i);
		if (strcmp(port->name, lab_phone_identity(phone)->port) != 0)
			continue;
		port->phone = phone;
		if (port->greeted && !port->leaving)
			lab_redir_announce(port);
		return;
	}
	g_warning("phone ‘%s’ is on port %s, which the machine does not have",
		  lab_phone_identity(phone)->name, lab_phone_identity(phone)->port);
}

static void
redir_unplug(void *self, LabPhone *phone)
{
	LabRedir *redir = self;
	for (guint i = 0; i < redir->ports->len; i++) {
		LabRedirPort *port = g_ptr_array_index(redir->ports, i);
		if (port->phone != phone)
			continue;
		port->phone = NULL;
		lab_redir_drop_transfers(port);
		g_clear_pointer(&port->wire, lab_wire_free);
		if (!port->announced)
			continue;
		port->announced = false;
		port->leaving = true;
		usbredirparser_send_device_disconnect(port->parser);
		lab_redir_flush(port);
	}
}

const LabAttachment *
lab_redir_attachment(void)
{
	static const LabAttachment attachment = { .plug = redir_plug, .unplug = redir_unplug };
	return &attachment;
}

LabRedir *
lab_redir_new(LabRecord *record)
{
	LabRedir *redir = g_new0(LabRedir, 1);
	redir->record = record;
	redir->ports = g_ptr_array_new_with_free_func(port_free);
	return redir;
}

void
lab_redir_free(LabRedir *redir)
{
	if (redir == NULL)
		return;
	g_ptr_array_unref(redir->ports);
	g_free(redir);
}
