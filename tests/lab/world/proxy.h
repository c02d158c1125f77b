/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "tests/lab/world/httpd.h"

/*
 * The one door of the lab's network: a port of 127.0.0.1 that is http_proxy and https_proxy of the command. CONNECT
 * to a host that the lab plays is answered and the TLS that follows is ended here; everything else is a plain HTTP
 * request, in absolute or origin form. Nothing is ever passed on to the real network.
 */
typedef struct LabProxy LabProxy;

typedef struct {
	/** Whether CONNECT to this host is answered; false: 403. */
	bool (*plays)(void *data, const char *host, const char *port);
	void *data;
	LabHttpd *plain, *tls; /* borrowed: where connections go */
} LabProxySpec;

LabProxy *lab_proxy_new(const LabProxySpec *spec, GError **error);
/** Accepts NULL. */
void lab_proxy_free(LabProxy *proxy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LabProxy, lab_proxy_free)
uint16_t lab_proxy_port(const LabProxy *proxy);
