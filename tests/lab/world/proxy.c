/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/proxy.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 128, MAX_HEAD = 8 * 1024 };

struct LabProxy {
	LabProxySpec spec;
	int fd;
	uint16_t port;
	unsigned source;
	GHashTable *arrivals; /* of Arrival: connections that have not said what they want */
};

typedef struct {
	LabProxy *proxy;
	int fd;
	unsigned source;
} Arrival;

static void
arrival_free(void *data)
{
	Arrival *arrival = data;
	if (arrival->source != 0)
		g_source_remove(arrival->source);
	if (arrival->fd >= 0)
		(void)g_close(arrival->fd, NULL);
	g_free(arrival);
}

static bool
say(int fd, const char *text)
{
	return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* "CONNECT gs.apple.com:443 HTTP/1.1" */
static bool
may_connect(const LabProxy *proxy, const char *head)
{
	g_auto(GStrv) words = g_strsplit(head, " ", 3);
	char *colon = words[1] != NULL ? strrchr(words[1], ':') : NULL;
	if (colon == NULL)
		return false;
	*colon = '\0';
	return proxy->spec.plays(proxy->spec.data, words[1], colon + 1);
}

static void
answer_connect(Arrival *arrival, char *head, size_t size)
{
	LabProxy *proxy = arrival->proxy;
	bool ok = may_connect(proxy, head);
	/* it has been looked at only; now it is taken off, and what follows is TLS */
	bool taken = recv(arrival->fd, head, size, 0) == (ssize_t)size;
	if (!ok || !taken) {
		(void)
		    say(arrival->fd,
			"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
		return;
	}
	if (say(arrival->fd, "HTTP/1.1 200 Connection established\r\n\r\n")) {
		lab_httpd_adopt(proxy->spec.tls, arrival->fd);
		arrival->fd = -1;
	}
}

/* true when the connection has been dealt with */
static bool
look(Arrival *arrival)
{
	static const char connect_word[] = "CONNECT ";
	char head[MAX_HEAD + 1];
	ssize_t size = recv(arrival->fd, head, MAX_HEAD, MSG_PEEK | MSG_DONTWAIT);
	if (size < 0)
		return errno != EAGAIN && errno != EINTR;
	if (size == 0)
		return true;
	head[size] = '\0';
	size_t compared = MIN((size_t)size, strlen(connect_word));
	if (memcmp(head, connect_word, compared) != 0) {
		lab_httpd_adopt(arrival->proxy->spec.plain, arrival->fd);
		arrival->fd = -1;
		return true;
	}
	char *end = strstr(head, "\r\n\r\n");
	if (end == NULL)
		return size == MAX_HEAD;
	answer_connect(arrival, head, (size_t)(end - head) + strlen("\r\n\r\n"));
	return true;
}

static gboolean
on_readable(int fd, GIOCondition condition, void *data)
{
	Arrival *arrival = data;
	if (!look(arrival))
		return G_SOURCE_CONTINUE;
	arrival->source = 0;
	g_hash_table_remove(arrival->proxy->arrivals, arrival);
	return G_SOURCE_REMOVE;
}

static gboolean
on_connection(int fd, GIOCondition condition, void *data)
{
	LabProxy *proxy = data;
	int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (accepted < 0)
		return G_SOURCE_CONTINUE;
	Arrival *arrival = g_new0(Arrival, 1);
	arrival->proxy = proxy;
	arrival->fd = accepted;
	arrival->source = g_unix_fd_add(accepted, G_IO_IN | G_IO_HUP, on_readable, arrival);
	g_hash_table_add(proxy->arrivals, arrival);
	return G_SOURCE_CONTINUE;
}

static bool
start_listening(LabProxy *proxy)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;
	proxy->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (proxy->fd < 0 || bind(proxy->fd, (struct sockaddr *)&address, length) != 0 ||
	    listen(proxy->fd, BACKLOG) != 0 ||
	    getsockname(proxy->fd, (struct sockaddr *)&address, &length) != 0)
		return false;
	proxy->port = ntohs(address.sin_port);
	proxy->source = g_unix_fd_add(proxy->fd, G_IO_IN, on_connection, proxy);
	return true;
}

LabProxy *
lab_proxy_new(const LabProxySpec *spec, GError **error)
{
	LabProxy *proxy = g_new0(LabProxy, 1);
	proxy->spec = *spec;
	proxy->arrivals = g_hash_table_new_full(NULL, NULL, arrival_free, NULL);
	if (start_listening(proxy))
		return proxy;
	int saved = errno;
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(saved),
		    "cannot listen on 127.0.0.1: %s", g_strerror(saved));
	lab_proxy_free(proxy);
	return NULL;
}

void
lab_proxy_free(LabProxy *proxy)
{
	if (proxy == NULL)
		return;
	if (proxy->source != 0)
		g_source_remove(proxy->source);
	if (proxy->fd >= 0)
		(void)g_close(proxy->fd, NULL);
	g_hash_table_unref(proxy->arrivals);
	g_free(proxy);
}

uint16_t
lab_proxy_port(const LabProxy *proxy)
{
	return proxy->port;
}
