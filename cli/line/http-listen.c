/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/http.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <gio/gio.h>

#include "core/base/error.h"

#define BACKLOG 64

static int
fail(GError **error, int code, const char *what, const char *why)
{
	g_set_error(error, RESCUE_ERROR, code, "cannot listen at %s: %s", what, why);
	return -1;
}

static int
fail_here(GError **error, int fd, const char *what)
{
	int number = errno;

	if (fd >= 0)
		(void)close(fd);
	return fail(error, RESCUE_ERROR_HOST_IO, what,
		    number == EADDRINUSE ? "another program listens there already"
					 : g_strerror(number));
}

static unsigned
port_of(int fd)
{
	struct sockaddr_storage storage;
	socklen_t size = sizeof(storage);
	g_autoptr(GSocketAddress) address = NULL;

	if (getsockname(fd, (struct sockaddr *)&storage, &size) != 0)
		return 0;
	address = g_socket_address_new_from_native(&storage, size);
	return G_IS_INET_SOCKET_ADDRESS(address)
		   ? g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(address))
		   : 0;
}

int
rescue_http_listen_tcp(const char *address, unsigned port, unsigned *ret_port, GError **error)
{
	g_autoptr(GSocketAddress)
	    socket_address = g_inet_socket_address_new_from_string(address, port);
	struct sockaddr_storage storage;
	int fd, on = 1;
	ssize_t size;

	if (socket_address == NULL || port > UINT16_MAX)
		return fail(error, RESCUE_ERROR_BAD_INPUT, address,
			    "that is no address and port, such as 127.0.0.1:8470");
	size = g_socket_address_get_native_size(socket_address);
	if (size < 0 ||
	    !g_socket_address_to_native(socket_address, &storage, sizeof(storage), error))
		return -1;
	fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail_here(error, fd, address);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&storage, (socklen_t)size) != 0 || listen(fd, BACKLOG) != 0)
		return fail_here(error, fd, address);
	*ret_port = port_of(fd);
	return fd;
}

/* A daemon that was killed leaves its socket behind; one that runs answers. */
static bool
is_deserted(const struct sockaddr_un *name)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool refused;

	if (fd < 0)
		return false;
	refused = connect(fd, (const struct sockaddr *)name, sizeof(*name)) != 0 &&
		  errno == ECONNREFUSED;
	(void)close(fd);
	return refused;
}

int
rescue_http_listen_unix(const char *path, GError **error)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, bound;

	if (g_strlcpy(name.sun_path, path, sizeof(name.sun_path)) >= sizeof(name.sun_path))
		return fail(error, RESCUE_ERROR_BAD_INPUT, path,
			    "the path is too long for a socket; choose a shorter --state");
	if (is_deserted(&name))
		(void)unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail_here(error, fd, path);
	mask = umask(0177); /* from its first moment it is this user's alone */
	bound = bind(fd, (const struct sockaddr *)&name, sizeof(name));
	(void)umask(mask);
	if (bound != 0 || listen(fd, BACKLOG) != 0)
		return fail_here(error, fd, path);
	return fd;
}
