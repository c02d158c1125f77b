/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cli/line/readers.h"
#include "cli/line/site.h"

/* libmicrohttpd in the daemon's GLib loop: one listening socket, no threads. */

typedef struct RescueHttp RescueHttp;

/** One listening socket. */
typedef struct {
	int fd;           /* taken over, also on failure */
	bool local;       /* this user's Unix socket: who may connect is the operator */
	const char *cert; /* PEM text; NULL: no TLS. Borrowed for the server's life, like the key */
	const char *key;
	RescueReaders *readers; /* borrowed; who reads what a request asks of past jobs */
} RescueHttpListen;

/** Serves `site`, which outlives it, from the thread-default main context. HOST_IO, BAD_INPUT (certificate or key). */
RescueHttp *rescue_http_new(RescueSite *site, const RescueHttpListen *listen, GError **error);
/** Ends all connections; accepts NULL. */
void rescue_http_free(RescueHttp *http);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueHttp, rescue_http_free)

/** A socket that listens at a loopback or other address; -1 and HOST_IO or BAD_INPUT. `ret_port`: the one it got. */
int rescue_http_listen_tcp(const char *address, unsigned port, unsigned *ret_port, GError **error);
/** One at a path, for this user alone; an old one that nobody listens at is replaced. */
int rescue_http_listen_unix(const char *path, GError **error);
