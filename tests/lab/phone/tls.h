/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The phone's end of TLS on one connection. It knows no socket: what came is put in, what is to go out is handed to
 * `push`.
 * The certificates of both sides are those of the pairing; a phone asks the host for its own and takes no other.
 */
typedef struct LabTls LabTls;

typedef struct {
	/* PEM, borrowed while it is made: the phone's, and the one by which the host is known */
	const char *certificate, *key, *host_root;
	void (*push)(void *self, const void *data, size_t size);
	void *self;
} LabTlsSpec;

typedef enum {
	LAB_TLS_OPEN,
	LAB_TLS_CLOSED, /* the host has said so: what follows is plain again */
	LAB_TLS_FAILED, /* no handshake, or not with this host */
} LabTlsState;

/** NULL when the certificates make no sense. Caller owns. */
LabTls *lab_tls_new(const LabTlsSpec *spec);
void lab_tls_free(LabTls *tls);
/** Takes what came off the wire; appends what it says to `plain`. Bytes behind the host's last word stay in `rest`. */
LabTlsState lab_tls_received(LabTls *tls, const void *data, size_t size, GByteArray *plain,
			     GByteArray *rest);
/** Sends; kept until the handshake is over. */
void lab_tls_send(LabTls *tls, const void *data, size_t size);
