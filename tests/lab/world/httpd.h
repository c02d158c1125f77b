/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include <microhttpd.h>

/*
 * libmicrohttpd on the lab's main loop: no threads, one epoll descriptor. A handler sees complete requests only.
 */
typedef struct LabHttpd LabHttpd;

typedef struct {
	struct MHD_Connection *connection;
	const char *method;
	char *host; /* from an absolute-form target, else the Host header; "" */
	char *path; /* begins with a slash */
	const uint8_t *body;
	size_t body_size;
	bool delayed;  /* it has been answered by lab_http_delay() before */
	void *arrival; /* httpd.c's own */
} LabHttpRequest;

/** Answers with the lab_http_… functions below, or returns MHD_NO to cut the connection. */
typedef enum MHD_Result (*LabHttpHandler)(void *data, const LabHttpRequest *request);

typedef struct {
	LabHttpHandler handler;
	void *data;
	const char *key_pem, *certificate_pem; /* both: the daemon speaks TLS */
	bool listen;                           /* false: connections come by lab_httpd_adopt() */
} LabHttpdSpec;

/** Listens, if at all, on a free port of 127.0.0.1. NULL with `error` set. */
LabHttpd *lab_httpd_new(const LabHttpdSpec *spec, GError **error);
/** Connections that hang are closed. Accepts NULL. */
void lab_httpd_free(LabHttpd *httpd);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LabHttpd, lab_httpd_free)
uint16_t lab_httpd_port(const LabHttpd *httpd);
/** Serves an accepted socket; takes the descriptor over. */
void lab_httpd_adopt(LabHttpd *httpd, int fd);

enum MHD_Result lab_http_answer(const LabHttpRequest *request, unsigned status, const char *type,
				GBytes *body);
enum MHD_Result lab_http_text(const LabHttpRequest *request, unsigned status, const char *type,
			      const char *text);
/** The connection stays open and is never answered; it is closed when the daemon ends. */
enum MHD_Result lab_http_hang(LabHttpd *httpd, const LabHttpRequest *request);
/** The handler is called once more for the same request, so much later. */
enum MHD_Result lab_http_delay(LabHttpd *httpd, const LabHttpRequest *request, unsigned delay_ms);
/** The same as hanging, from within a content reader. */
void lab_http_suspend(LabHttpd *httpd, struct MHD_Connection *connection);
/** Makes the close that follows a TCP reset. Return MHD_NO behind it. */
void lab_http_reset_on_close(struct MHD_Connection *connection);
