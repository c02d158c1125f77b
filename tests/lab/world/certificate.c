/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/certificate.h"

#include <gio/gio.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

enum { LIFE_SECONDS = 24 * 3600, SERIAL_SIZE = 8 };

static char *
take_datum(gnutls_datum_t *datum)
{
	char *text = g_strndup((const char *)datum->data, datum->size);
	gnutls_free(datum->data);
	return text;
}

static int
add_name(gnutls_x509_crt_t crt, const char *name)
{
	g_autoptr(GInetAddress) address = g_inet_address_new_from_string(name);
	if (address == NULL)
		return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name,
							    (unsigned)strlen(name),
							    GNUTLS_FSAN_APPEND);
	return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS,
						    g_inet_address_to_bytes(address),
						    (unsigned)g_inet_address_get_native_size(
							address),
						    GNUTLS_FSAN_APPEND);
}

static int
fill(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const char *const *names)
{
	time_t now = time(NULL);
	uint64_t serial = GUINT64_TO_BE((uint64_t)g_get_real_time() >> 1); /* positive */
	int rc = gnutls_x509_crt_set_version(crt, 3);
	rc = rc < 0 ? rc : gnutls_x509_crt_set_serial(crt, &serial, SERIAL_SIZE);
	rc = rc < 0 ? rc : gnutls_x509_crt_set_activation_time(crt, now - LIFE_SECONDS);
	rc = rc < 0 ? rc : gnutls_x509_crt_set_expiration_time(crt, now + LIFE_SECONDS);
	rc = rc < 0 ? rc : gnutls_x509_crt_set_key(crt, key);
	rc = rc < 0 ? rc
		    : gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, names[0],
						    (unsigned)strlen(names[0]));
	for (; rc >= 0 && *names != NULL; names++)
		rc = add_name(crt, *names);
	rc = rc < 0 ? rc : gnutls_x509_crt_set_basic_constraints(crt, 1, -1);
	return rc < 0 ? rc : gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
}

static int export(LabCertificate *certificate, gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
	gnutls_datum_t datum = { NULL, 0 };
	int rc = gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &datum);
	if (rc < 0)
		return rc;
	certificate->key_pem = take_datum(&datum);
	rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &datum);
	if (rc < 0)
		return rc;
	certificate->certificate_pem = take_datum(&datum);
	return 0;
}

bool
lab_certificate_make(LabCertificate *certificate, const char *const *names, GError **error)
{
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t crt = NULL;
	*certificate = (LabCertificate){ NULL, NULL };
	int rc = gnutls_x509_privkey_init(&key);
	rc = rc < 0 ? rc : gnutls_x509_crt_init(&crt);
	rc = rc < 0 ? rc
		    : gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
						   GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
						   0);
	rc = rc < 0 ? rc : fill(crt, key, names);
	rc = rc < 0 ? rc : export(certificate, crt, key);
	if (crt != NULL)
		gnutls_x509_crt_deinit(crt);
	if (key != NULL)
		gnutls_x509_privkey_deinit(key);
	if (rc >= 0)
		return true;
	lab_certificate_clear(certificate);
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot make a certificate: %s",
		    gnutls_strerror(rc));
	return false;
}

void
lab_certificate_clear(LabCertificate *certificate)
{
	g_free(certificate->key_pem);
	g_free(certificate->certificate_pem);
	*certificate = (LabCertificate){ NULL, NULL };
}
