/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/phone/pairing.h"

#include <string.h>
#include <time.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

enum {
	KEY_BITS = 2048,
	/* what stands in front of the PKCS #1 key in a public key of that length */
	PUBLIC_KEY_HEAD = 24,
	LIFE_SECONDS = 365 * 24 * 60 * 60,
};

struct LabPairing {
	GHashTable *hosts; /* HostID → LabTrusted */
	int64_t asked_at;  /* monotonic time of the first wish to pair; 0 */
	char *public_key, *private_key;
};

static void
trusted_free(void *data)
{
	LabTrusted *trusted = data;
	g_free(trusted->certificate);
	g_free(trusted->root);
	g_free(trusted);
}

LabPairing *
lab_pairing_new(void)
{
	LabPairing *pairing = g_new0(LabPairing, 1);
	pairing->hosts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, trusted_free);
	return pairing;
}

void
lab_pairing_free(LabPairing *pairing)
{
	g_hash_table_unref(pairing->hosts);
	g_free(pairing->public_key);
	g_free(pairing->private_key);
	g_free(pairing);
}

/* ---- keys ------------------------------------------------------------------------------------ */

static char *
take_text(gnutls_datum_t *datum)
{
	char *text = g_strndup((const char *)datum->data, datum->size);
	gnutls_free(datum->data);
	datum->data = NULL;
	return text;
}

static char *
private_pem(gnutls_x509_privkey_t key)
{
	gnutls_datum_t text = { NULL, 0 };
	return gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &text) < 0 ? NULL
										: take_text(&text);
}

/* as lockdownd gives it: PKCS #1, "RSA PUBLIC KEY" */
static char *
public_pem(gnutls_x509_privkey_t key)
{
	gnutls_privkey_t private = NULL;
	gnutls_pubkey_t public = NULL;
	gnutls_datum_t der = { NULL, 0 }, text = { NULL, 0 };
	int rc = gnutls_privkey_init(&private);
	rc = rc < 0 ? rc : gnutls_privkey_import_x509(private, key, 0);
	rc = rc < 0 ? rc : gnutls_pubkey_init(&public);
	rc = rc < 0 ? rc : gnutls_pubkey_import_privkey(public, private, 0, 0);
	rc = rc < 0 ? rc : gnutls_pubkey_export2(public, GNUTLS_X509_FMT_DER, &der);
	if (rc >= 0) {
		gnutls_datum_t bare = { der.data + PUBLIC_KEY_HEAD, der.size - PUBLIC_KEY_HEAD };
		rc = gnutls_pem_base64_encode2("RSA PUBLIC KEY", &bare, &text);
	}
	gnutls_free(der.data);
	gnutls_pubkey_deinit(public);
	gnutls_privkey_deinit(private);
	return rc < 0 ? NULL : take_text(&text);
}

static gnutls_x509_privkey_t
new_key(void)
{
	gnutls_x509_privkey_t key = NULL;
	if (gnutls_x509_privkey_init(&key) < 0)
		return NULL;
	(void)gnutls_x509_privkey_generate(key, GNUTLS_PK_RSA, KEY_BITS, 0);
	return key;
}

static void
draw_key(LabPairing *pairing)
{
	if (pairing->private_key != NULL)
		return;
	gnutls_x509_privkey_t key = new_key();
	pairing->private_key = private_pem(key);
	pairing->public_key = public_pem(key);
	gnutls_x509_privkey_deinit(key);
	g_assert(pairing->private_key != NULL && pairing->public_key != NULL);
}

const char *
lab_pairing_public_key(LabPhone *phone)
{
	draw_key(phone->pairing);
	return phone->pairing->public_key;
}

const char *
lab_pairing_private_key(LabPhone *phone)
{
	draw_key(phone->pairing);
	return phone->pairing->private_key;
}

/* ---- trust ----------------------------------------------------------------------------------- */

const char *
lab_pairing_objection(LabPhone *phone)
{
	LabPairing *pairing = phone->pairing;
	const LabCondition *condition = &phone->condition;
	if (condition->locked)
		return "PasswordProtected";
	if (condition->trust == LAB_TRUST_DENIED)
		return "UserDeniedPairing";
	if (condition->trust == LAB_TRUST_AT_ONCE)
		return NULL;
	int64_t now = g_get_monotonic_time();
	if (pairing->asked_at == 0)
		pairing->asked_at = now;
	bool accepted = now - pairing->asked_at >= (int64_t)condition->trust_ms * 1000;
	return accepted ? NULL : "PairingDialogResponsePending";
}

static char *
text_of(plist_t record, const char *key)
{
	size_t size = 0;
	const uint8_t *data = lab_plist_data(record, key, &size);
	return data != NULL ? g_strndup((const char *)data, size) : NULL;
}

bool
lab_pairing_trust(LabPhone *phone, plist_t record)
{
	const char *host_id = lab_plist_string(record, "HostID");
	LabTrusted *trusted = g_new0(LabTrusted, 1);
	trusted->certificate = text_of(record, "DeviceCertificate");
	trusted->root = text_of(record, "RootCertificate");
	if (host_id == NULL || trusted->certificate == NULL || trusted->root == NULL) {
		trusted_free(trusted);
		return false;
	}
	g_hash_table_insert(phone->pairing->hosts, g_strdup(host_id), trusted);
	return true;
}

const LabTrusted *
lab_pairing_find(LabPhone *phone, const char *host_id)
{
	return host_id != NULL ? g_hash_table_lookup(phone->pairing->hosts, host_id) : NULL;
}

void
lab_pairing_forget(LabPhone *phone, const char *host_id)
{
	if (host_id != NULL)
		g_hash_table_remove(phone->pairing->hosts, host_id);
}

void
lab_pairing_forget_all(LabPhone *phone)
{
	g_hash_table_remove_all(phone->pairing->hosts);
	phone->pairing->asked_at = 0;
}

/* ---- a pairing that was made before the scenario begins -------------------------------------- */

static gnutls_x509_crt_t
new_certificate(gnutls_x509_privkey_t key, gnutls_x509_crt_t issuer, gnutls_x509_privkey_t signer)
{
	gnutls_x509_crt_t crt = NULL;
	time_t now = time(NULL);
	int rc = gnutls_x509_crt_init(&crt);
	rc = rc < 0 ? rc : gnutls_x509_crt_set_version(crt, 3);
	rc = rc < 0 ? rc : gnutls_x509_crt_set_serial(crt, "\1", 1);
	rc = rc < 0 ? rc : gnutls_x509_crt_set_activation_time(crt, now - LIFE_SECONDS);
	rc = rc < 0 ? rc : gnutls_x509_crt_set_expiration_time(crt, now + LIFE_SECONDS);
	rc = rc < 0 ? rc : gnutls_x509_crt_set_key(crt, key);
	rc = rc < 0 ? rc : gnutls_x509_crt_set_basic_constraints(crt, issuer == NULL, -1);
	rc = rc < 0 ? rc
		    : gnutls_x509_crt_sign2(crt, issuer != NULL ? issuer : crt, signer,
					    GNUTLS_DIG_SHA256, 0);
	g_assert(rc >= 0);
	return crt;
}

static void
set_text(plist_t record, const char *key, char *text)
{
	g_assert(text != NULL);
	plist_dict_set_item(record, key, plist_new_data(text, strlen(text)));
	g_free(text);
}

static char *
certificate_pem(gnutls_x509_crt_t crt)
{
	gnutls_datum_t text = { NULL, 0 };
	return gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &text) < 0 ? NULL
									    : take_text(&text);
}

static gnutls_x509_privkey_t
phone_key(LabPhone *phone)
{
	const char *pem = lab_pairing_private_key(phone);
	gnutls_datum_t text = { (unsigned char *)pem, (unsigned)strlen(pem) };
	gnutls_x509_privkey_t key = NULL;
	int rc = gnutls_x509_privkey_init(&key);
	rc = rc < 0 ? rc : gnutls_x509_privkey_import(key, &text, GNUTLS_X509_FMT_PEM);
	g_assert(rc >= 0);
	return key;
}

/*
 * The host's certificate is the root's twin here, since libimobiledevice shows the root itself; and one key serves
 * both
 * sides, because drawing keys takes longer than all the rest of a world.
 */
static void
add_certificates(plist_t record, LabPhone *phone)
{
	gnutls_x509_privkey_t key = phone_key(phone);
	gnutls_x509_crt_t root = new_certificate(key, NULL, key);
	gnutls_x509_crt_t device = new_certificate(key, root, key);
	set_text(record, "RootPrivateKey", private_pem(key));
	set_text(record, "HostPrivateKey", private_pem(key));
	set_text(record, "RootCertificate", certificate_pem(root));
	set_text(record, "HostCertificate", certificate_pem(root));
	set_text(record, "DeviceCertificate", certificate_pem(device));
	gnutls_x509_crt_deinit(device);
	gnutls_x509_crt_deinit(root);
	gnutls_x509_privkey_deinit(key);
}

void
lab_phone_share_key(LabPhone *phone, LabPhone *other)
{
	draw_key(other->pairing);
	g_free(phone->pairing->private_key);
	g_free(phone->pairing->public_key);
	phone->pairing->private_key = g_strdup(other->pairing->private_key);
	phone->pairing->public_key = g_strdup(other->pairing->public_key);
}

GBytes *
lab_phone_pair(LabPhone *phone, const char *system_buid)
{
	g_autofree char *uuid = g_uuid_string_random();
	g_autofree char *host_id = g_ascii_strup(uuid, -1);
	plist_t record = lab_plist_dict("s:HostID", host_id, "s:SystemBUID", system_buid, NULL);
	plist_dict_set_item(record, "EscrowBag", plist_new_data("lab-escrow-bag", 14));
	add_certificates(record, phone);
	bool fine = lab_pairing_trust(phone, record);
	g_assert(fine);
	char *xml = NULL;
	uint32_t size = 0;
	plist_to_xml(record, &xml, &size);
	plist_free(record);
	GBytes *bytes = g_bytes_new(xml, size);
	plist_to_xml_free(xml);
	return bytes;
}
