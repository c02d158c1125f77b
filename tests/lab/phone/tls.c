/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/phone/tls.h"

#include <errno.h>
#include <string.h>

#include <gnutls/gnutls.h>

enum { RECORD_MAX = 16384 };

/* hosts speak TLS 1.0 to phones older than iOS 10 */
static const char priorities[] = "NORMAL:%COMPAT:+VERS-TLS1.0:+VERS-TLS1.1:+SIGN-RSA-SHA1";

struct LabTls {
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
	gnutls_datum_t host_root; /* DER */
	void (*push)(void *self, const void *data, size_t size);
	void *self;
	GByteArray *in, *early; /* off the wire; said before the handshake was over */
	bool open;
};

static ssize_t
on_push(gnutls_transport_ptr_t self, const void *data, size_t size)
{
	LabTls *tls = self;
	tls->push(tls->self, data, size);
	return (ssize_t)size;
}

static ssize_t
on_pull(gnutls_transport_ptr_t self, void *data, size_t size)
{
	LabTls *tls = self;
	size_t taken = MIN(size, tls->in->len);
	if (taken == 0) {
		gnutls_transport_set_errno(tls->session, EAGAIN);
		return -1;
	}
	memcpy(data, tls->in->data, taken);
	g_byte_array_remove_range(tls->in, 0, (guint)taken);
	return (ssize_t)taken;
}

/* the host shows the root certificate of the pairing itself */
static int
on_verify(gnutls_session_t session)
{
	const LabTls *tls = gnutls_session_get_ptr(session);
	unsigned count = 0;
	const gnutls_datum_t *shown = gnutls_certificate_get_peers(session, &count);
	if (shown == NULL || count == 0)
		return GNUTLS_E_CERTIFICATE_ERROR;
	bool same = tls->host_root.size == shown->size &&
		    memcmp(tls->host_root.data, shown->data, shown->size) == 0;
	return same ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

static gnutls_datum_t
datum(const char *text)
{
	return (gnutls_datum_t){ (unsigned char *)text, (unsigned)strlen(text) };
}

static int
load(LabTls *tls, const LabTlsSpec *spec)
{
	gnutls_datum_t certificate = datum(spec->certificate), key = datum(spec->key);
	gnutls_datum_t root = datum(spec->host_root);
	int rc = gnutls_certificate_allocate_credentials(&tls->credentials);
	rc = rc < 0 ? rc
		    : gnutls_certificate_set_x509_key_mem(tls->credentials, &certificate, &key,
							  GNUTLS_X509_FMT_PEM);
	rc = rc < 0 ? rc : gnutls_pem_base64_decode2("CERTIFICATE", &root, &tls->host_root);
	rc = rc < 0 ? rc : gnutls_init(&tls->session, GNUTLS_SERVER | GNUTLS_NONBLOCK);
	rc = rc < 0 ? rc : gnutls_priority_set_direct(tls->session, priorities, NULL);
	rc = rc < 0
		 ? rc
		 : gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE, tls->credentials);
	return rc;
}

LabTls *
lab_tls_new(const LabTlsSpec *spec)
{
	LabTls *tls = g_new0(LabTls, 1);
	tls->push = spec->push;
	tls->self = spec->self;
	tls->in = g_byte_array_new();
	tls->early = g_byte_array_new();
	if (load(tls, spec) < 0) {
		lab_tls_free(tls);
		return NULL;
	}
	gnutls_session_set_ptr(tls->session, tls);
	gnutls_certificate_server_set_request(tls->session, GNUTLS_CERT_REQUEST);
	gnutls_session_set_verify_function(tls->session, on_verify);
	gnutls_transport_set_ptr(tls->session, tls);
	gnutls_transport_set_push_function(tls->session, on_push);
	gnutls_transport_set_pull_function(tls->session, on_pull);
	return tls;
}

void
lab_tls_free(LabTls *tls)
{
	if (tls == NULL)
		return;
	if (tls->session != NULL)
		gnutls_deinit(tls->session);
	gnutls_free(tls->host_root.data);
	if (tls->credentials != NULL)
		gnutls_certificate_free_credentials(tls->credentials);
	g_byte_array_unref(tls->in);
	g_byte_array_unref(tls->early);
	g_free(tls);
}

/* The host shakes hands at once; true when that is done. */
static bool
shake_hands(LabTls *tls, LabTlsState *state)
{
	int rc = tls->open ? 0 : gnutls_handshake(tls->session);
	if (rc < 0) {
		*state = gnutls_error_is_fatal(rc) ? LAB_TLS_FAILED : LAB_TLS_OPEN;
		return false;
	}
	tls->open = true;
	if (tls->early->len > 0)
		(void)gnutls_record_send(tls->session, tls->early->data, tls->early->len);
	g_byte_array_set_size(tls->early, 0);
	return true;
}

LabTlsState
lab_tls_received(LabTls *tls, const void *data, size_t size, GByteArray *plain, GByteArray *rest)
{
	uint8_t record[RECORD_MAX];
	LabTlsState state = LAB_TLS_OPEN;
	g_byte_array_append(tls->in, data, (guint)size);
	while (shake_hands(tls, &state)) {
		ssize_t got = gnutls_record_recv(tls->session, record, sizeof record);
		if (got > 0) {
			g_byte_array_append(plain, record, (guint)got);
			continue;
		}
		if (got == 0)
			state = LAB_TLS_CLOSED;
		else if (gnutls_error_is_fatal((int)got))
			state = LAB_TLS_FAILED;
		break;
	}
	if (state != LAB_TLS_CLOSED)
		return state;
	(void)gnutls_bye(tls->session, GNUTLS_SHUT_WR); /* whoever does not wait for it is gone */
	g_byte_array_append(rest, tls->in->data, tls->in->len);
	return state;
}

void
lab_tls_send(LabTls *tls, const void *data, size_t size)
{
	if (!tls->open) {
		g_byte_array_append(tls->early, data, (guint)size);
		return;
	}
	const uint8_t *at = data;
	while (size > 0) {
		ssize_t sent = gnutls_record_send(tls->session, at, MIN(size, RECORD_MAX));
		if (sent <= 0)
			return; /* the connection is of no use any more; its end follows */
		at += sent;
		size -= (size_t)sent;
	}
}
