/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/attach/usbfs.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib-unix.h>

#include "tests/lab/attach/usbfs-internal.h"

/*
 * The protocol of libumockdev-preload.so.0 0.17.16: three unsigned longs each way. The client sends
 * a call and then serves us (reads or writes of its memory) until we say that the call is done. It
 * has one call under way per open file and blocks signals meanwhile, so no answer may wait long.
 */
enum {
	CALL_IOCTL = 1,
	CALL_DONE = 3,
	CALL_READ_MEMORY = 5,
	CALL_WRITE_MEMORY = 6,
	CALL_READ = 7,
	CALL_WRITE = 8,
};
enum { UNHANDLED = -100 }; /* the preload library's word for "make the original call" */
enum { BACKLOG = 64 };

static void expect_call(LabClient *client);

static void
client_free(void *data)
{
	LabClient *client = data;
	lab_client_release(client);
	if (client->in_source != 0)
		g_source_remove(client->in_source);
	if (client->out_source != 0)
		g_source_remove(client->out_source);
	close(client->fd);
	g_byte_array_unref(client->in);
	g_byte_array_unref(client->out);
	g_free(client);
}

/* ---- sending --------------------------------------------------------------------------------- */

static bool
flush(LabClient *client)
{
	while (client->out->len > 0) {
		ssize_t sent = send(client->fd, client->out->data, client->out->len,
				    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			return false;
		if (sent < 0) {
			/* the reading side sees the end of it */
			g_byte_array_set_size(client->out, 0);
			return true;
		}
		g_byte_array_remove_range(client->out, 0, (guint)sent);
	}
	return true;
}

static gboolean
on_writable(gint fd, GIOCondition condition, gpointer data)
{
	LabClient *client = data;
	if (!flush(client))
		return G_SOURCE_CONTINUE;
	client->out_source = 0;
	return G_SOURCE_REMOVE;
}

static void
put(LabClient *client, const void *data, size_t size)
{
	g_byte_array_append(client->out, data, (guint)size);
	if (client->out_source == 0 && !flush(client))
		client->out_source = g_unix_fd_add(client->fd, G_IO_OUT, on_writable, client);
}

static void
put_call(LabClient *client, unsigned long command, unsigned long first, unsigned long second)
{
	LabCall call = { command, first, second };
	put(client, &call, sizeof(call));
}

void
lab_client_read_memory(LabClient *client, unsigned long address, size_t size, LabClientThen then)
{
	put_call(client, CALL_READ_MEMORY, address, size);
	g_byte_array_set_size(client->in, 0);
	client->wanted = size;
	client->then = then;
}

void
lab_client_write_memory(LabClient *client, unsigned long address, const void *data, size_t size)
{
	put_call(client, CALL_WRITE_MEMORY, address, size);
	put(client, data, size);
}

void
lab_client_done(LabClient *client, long result, int error)
{
	put_call(client, CALL_DONE, (unsigned long)result, (unsigned long)error);
	expect_call(client);
}

void
lab_client_pass_on(LabClient *client)
{
	lab_client_done(client, UNHANDLED, 0);
}

/* ---- receiving ------------------------------------------------------------------------------- */

static void
on_call(LabClient *client)
{
	memcpy(&client->call, client->in->data, sizeof(client->call));
	bool known = client->call.command == CALL_IOCTL || client->call.command == CALL_READ ||
		     client->call.command == CALL_WRITE;
	if (!known)
		client->broken = true;
	else if (client->node->is_default || client->call.command != CALL_IOCTL)
		lab_client_pass_on(client);
	else
		lab_client_ioctl(client);
}

static void
expect_call(LabClient *client)
{
	g_byte_array_set_size(client->in, 0);
	client->wanted = sizeof(LabCall);
	client->then = on_call;
}

/* false when the client is to be dropped */
static bool
receive(LabClient *client)
{
	guint have = client->in->len;
	g_byte_array_set_size(client->in, (guint)client->wanted);
	ssize_t got = recv(client->fd, client->in->data + have, client->wanted - have,
			   MSG_DONTWAIT);
	g_byte_array_set_size(client->in, have + (guint)MAX(got, 0));
	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if (got == 0)
		return false;
	if (client->in->len == client->wanted)
		client->then(client);
	return !client->broken;
}

static gboolean
on_readable(gint fd, GIOCondition condition, gpointer data)
{
	LabClient *client = data;
	LabNode *node = client->node;
	if (receive(client))
		return G_SOURCE_CONTINUE;
	client->in_source = 0;
	node->clients = g_list_remove(node->clients, client);
	client_free(client);
	return G_SOURCE_REMOVE;
}

/* ---- the node -------------------------------------------------------------------------------- */

static pid_t
peer_of(int fd)
{
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

static gboolean
on_connect(gint listener, GIOCondition condition, gpointer data)
{
	LabNode *node = data;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return G_SOURCE_CONTINUE;
	LabClient *client = g_new0(LabClient, 1);
	client->node = node;
	client->fd = fd;
	client->pid = peer_of(fd);
	client->in = g_byte_array_new();
	client->out = g_byte_array_new();
	client->in_source = g_unix_fd_add(fd, G_IO_IN | G_IO_HUP, on_readable, client);
	expect_call(client);
	node->clients = g_list_prepend(node->clients, client);
	if (node->phone != NULL)
		lab_phone_usb_opened(node->phone, client->pid);
	return G_SOURCE_CONTINUE;
}

static bool
listen_at(LabNode *node, GError **error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	gsize length = g_strlcpy(address.sun_path, node->path, sizeof(address.sun_path));
	if (length >= sizeof(address.sun_path)) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NAMETOOLONG,
			    "‘%s’ is too long for a socket’s name", node->path);
		return false;
	}
	node->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)unlink(node->path); /* a device number that was used before */
	if (node->fd < 0 ||
	    bind(node->fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(node->fd, BACKLOG) < 0) {
		int saved = errno;
		g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(saved),
			    "cannot listen at ‘%s’: %s", node->path, g_strerror(saved));
		return false;
	}
	node->accept_source = g_unix_fd_add(node->fd, G_IO_IN, on_connect, node);
	return true;
}

LabNode *
lab_node_new(const char *path, LabPhone *phone, GError **error)
{
	g_autoptr(LabNode) node = g_new0(LabNode, 1);
	node->path = g_strdup(path);
	node->phone = phone;
	node->is_default = phone == NULL;
	node->fd = -1;
	if (!listen_at(node, error))
		return NULL;
	return g_steal_pointer(&node);
}

void
lab_node_unplug(LabNode *node)
{
	if (node->phone == NULL)
		return;
	node->phone = NULL;
	(void)unlink(node->path);
	for (GList *item = node->clients; item != NULL; item = item->next)
		lab_client_unplugged(item->data);
}

bool
lab_node_is_open(const LabNode *node)
{
	return node->clients != NULL;
}

void
lab_node_free(LabNode *node)
{
	if (node == NULL)
		return;
	GList *clients = g_steal_pointer(&node->clients);
	g_list_free_full(clients, client_free);
	if (node->accept_source != 0)
		g_source_remove(node->accept_source);
	if (node->fd >= 0)
		close(node->fd);
	g_free(node->path);
	g_free(node);
}
