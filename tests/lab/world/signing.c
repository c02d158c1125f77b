/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/signing.h"

#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lab/world/certificate.h"
#include "tests/lab/world/httpd.h"
#include "tests/lab/world/proxy.h"
#include "tests/lab/world/ticket.h"

/* names and addresses under which idevicerestore 1.0.0, 1.0.1 and libtatsu look for the signing server */
static const char *const hosts[] = { "gs.apple.com",
				     "gs.apple.com.akadns.net",
				     "gs.apple.com.v.aaplimg.com",
				     "gsra.apple.com",
				     "cydia.saurik.com",
				     "wkms-public.apple.com",
				     "17.171.36.30",
				     "17.151.36.30",
				     "127.0.0.1",
				     "localhost",
				     NULL };

static const char controller[] = "/TSS/controller";
/* keys of encrypted images; the phone asks, the host fetches */
static const char image_keys[] = "/fcs-keys/";
static const char web_page[] =
    "<html><head><title>403 Forbidden</title></head><body><h1>Access denied by policy</h1>"
    "</body></html>\n";

struct LabSigning {
	LabSigningSpec spec;
	LabCertificate certificate;
	LabCertificate known; /* whom hosts trust, when somebody else answers in its place */
	LabHttpd *plain, *tls;
	LabProxy *proxy;
	GHashTable *refused; /* UniqueBuildIDs */
	uint64_t requests;   /* so far */
	char *url, *proxy_url;
};

static const struct {
	int status;
	const char *message;
} messages[] = {
	{ 8, "An internal error occurred." },
	{ 49, "An invalid baseband request was made." },
	{ 69, "This device isn't eligible for the requested build." },
	{ 94, "This device isn't eligible for the requested build." },
	{ 100, "An internal error occurred." },
	{ 126, "An internal error occurred." },
};

static const char *
message_of(int status)
{
	for (size_t i = 0; i < G_N_ELEMENTS(messages); i++) {
		if (messages[i].status == status)
			return messages[i].message;
	}
	return "An unknown error occurred.";
}

/* ---- the answer ------------------------------------------------------------------------------- */

static bool
is_true(plist_t request, const char *key)
{
	uint8_t value = 0;
	plist_t item = plist_dict_get_item(request, key);
	if (item != NULL && plist_get_node_type(item) == PLIST_BOOLEAN)
		plist_get_bool_val(item, &value);
	return value != 0;
}

/* "SBL1-PartialDigest" of the request becomes "SBL1-Blob" of the answer: a signature the host writes into the file */
static void
add_blob(plist_t blobs, const char *key, plist_t request)
{
	static const char digest[] = "-PartialDigest";
	if (!g_str_has_suffix(key, digest))
		return;
	g_autoptr(GByteArray) blob = lab_ticket_new(request);
	g_autofree char *part = g_strndup(key, strlen(key) - strlen(digest));
	g_autofree char *name = g_strconcat(part, "-Blob", NULL);
	plist_dict_set_item(blobs, name, plist_new_data((const char *)blob->data, blob->len));
}

static plist_t
new_blobs(plist_t request)
{
	plist_t blobs = plist_new_dict();
	plist_t asked = plist_dict_get_item(request, "BasebandFirmware");
	plist_dict_iter iter = NULL;
	if (asked != NULL)
		plist_dict_new_iter(asked, &iter);
	char *key = NULL;
	plist_t value = NULL;
	while (iter != NULL) {
		plist_dict_next_item(asked, iter, &key, &value);
		if (key == NULL)
			break;
		add_blob(blobs, key, request);
		g_clear_pointer(&key, free);
	}
	free(iter);
	return blobs;
}

/* "@ApImg4Ticket" asks for ApImg4Ticket, "@SE,Ticket" for SE,Ticket; the engine puts "@BBTicket" into most of them */
static void
add_ticket(plist_t answer, plist_t request, const char *key)
{
	bool wanted = is_true(request, key);
	bool baseband = strcmp(key, "@BBTicket") == 0;
	if (!wanted || (baseband && plist_dict_get_item(request, "BbSNUM") == NULL))
		return;
	g_autoptr(GByteArray) ticket = lab_ticket_new(request);
	plist_dict_set_item(answer, key + 1,
			    plist_new_data((const char *)ticket->data, ticket->len));
	if (baseband)
		plist_dict_set_item(answer, "BasebandFirmware", new_blobs(request));
}

static plist_t
new_answer(plist_t request)
{
	plist_t answer = plist_new_dict();
	plist_dict_set_item(answer, "@ServerVersion", plist_new_string("2.1.0-lab"));
	plist_dict_iter iter = NULL;
	plist_dict_new_iter(request, &iter);
	for (;;) {
		char *key = NULL;
		plist_t value = NULL;
		plist_dict_next_item(request, iter, &key, &value);
		if (key == NULL)
			break;
		if (key[0] == '@' && g_str_has_suffix(key, "Ticket"))
			add_ticket(answer, request, key);
		free(key);
	}
	free(iter);
	return answer;
}

static enum MHD_Result
answer_success(const LabHttpRequest *http, plist_t request)
{
	plist_t answer = new_answer(request);
	char *xml = NULL;
	uint32_t size = 0;
	plist_to_xml(answer, &xml, &size);
	plist_free(answer);
	g_autofree char *body = g_strconcat("STATUS=0&MESSAGE=SUCCESS&REQUEST_STRING=", xml, NULL);
	free(xml);
	return lab_http_text(http, MHD_HTTP_OK, "text/html", body);
}

static enum MHD_Result
answer_status(const LabHttpRequest *http, int status)
{
	g_autofree char *body = g_strdup_printf("STATUS=%d&MESSAGE=%s", status, message_of(status));
	return lab_http_text(http, MHD_HTTP_OK, "text/html", body);
}

/* numbers that HTTP means by itself go out as such: 503 is an overloaded server, not TSS's opinion */
static enum MHD_Result
answer_fault(LabSigning *signing, const LabHttpRequest *http, const LabFault *fault)
{
	LabHttpd *httpd = MHD_get_connection_info(http->connection, MHD_CONNECTION_INFO_PROTOCOL) !=
				  NULL
			      ? signing->tls
			      : signing->plain;
	switch (fault->action) {
	case LAB_DO_STATUS:
		if (fault->status >= MHD_HTTP_INTERNAL_SERVER_ERROR)
			return lab_http_text(http, (unsigned)fault->status, "text/html", web_page);
		return answer_status(http, fault->status);
	case LAB_DO_HTTP:
		return lab_http_text(http, (unsigned)fault->status, "text/html", web_page);
	case LAB_DO_DELAY:
		return lab_http_delay(httpd, http, fault->duration_ms);
	case LAB_DO_GARBAGE:
		return lab_http_text(http, MHD_HTTP_OK, "text/html", web_page);
	case LAB_DO_STALL:
		return lab_http_text(http, MHD_HTTP_OK, "text/html", "");
	case LAB_DO_HANG:
	case LAB_DO_IGNORE:
		return lab_http_hang(httpd, http);
	default:
		lab_http_reset_on_close(http->connection);
		return MHD_NO;
	}
}

/* ---- requests --------------------------------------------------------------------------------- */

static void
record_signing(LabSigning *signing, const LabTicketRequest *request, const char *phone, int status)
{
	g_autofree char *ecid = g_strdup_printf("0x%016" G_GINT64_MODIFIER "x", request->ecid);
	lab_record_event(signing->spec.record, phone, "signing", "i:status", (int64_t)status,
			 "s:ecid", ecid, "i:pid", (int64_t)0, "s:build-id", request->build_id,
			 "s:nonce", request->nonce, NULL);
}

static void
record_request(LabSigning *signing, const char *host, const char *path, unsigned status)
{
	lab_record_event(signing->spec.record, NULL, "request", "s:server", host, "s:path", path,
			 "i:status", (int64_t)status, NULL);
}

static void
record_fault(LabSigning *signing, const char *phone, const LabFault *fault)
{
	lab_record_event(signing->spec.record, phone, "fault", "s:at", lab_point_name(fault->at),
			 "s:action", lab_action_name(fault->action), "i:number",
			 (int64_t)fault->fired, NULL);
}

static enum MHD_Result
sign(LabSigning *signing, const LabHttpRequest *http, plist_t plist)
{
	LabTicketRequest request = { 0 };
	lab_ticket_request_read(&request, plist);
	const LabSigningSpec *spec = &signing->spec;
	const char *phone = spec->phone_of != NULL ? spec->phone_of(spec->data, request.ecid)
						   : NULL;
	const LabFault *fault = http->delayed ? NULL
					      : lab_faults_fire(spec->faults, phone, LAB_AT_SIGNING,
								signing->requests++);
	bool refused = g_hash_table_contains(signing->refused, request.build_id);
	/* a ticket for a chip beside the processor is asked for without the processor */
	bool system = is_true(plist, "@ApImg4Ticket") || is_true(plist, "@APTicket");
	bool malformed = system && (request.ecid == 0 || request.chip == 0);
	int status = malformed ? 100 : refused ? 94 : 0;
	enum MHD_Result result = MHD_NO;
	if (fault != NULL) {
		record_fault(signing, phone, fault);
		status = fault->action == LAB_DO_STATUS ? fault->status : -1;
		result = answer_fault(signing, http, fault);
	} else {
		result = status == 0 ? answer_success(http, plist) : answer_status(http, status);
	}
	if (fault == NULL || fault->action != LAB_DO_DELAY)
		record_signing(signing, &request, phone, status);
	lab_ticket_request_clear(&request);
	return result;
}

static enum MHD_Result
answer_controller(LabSigning *signing, const LabHttpRequest *http)
{
	plist_t plist = NULL;
	plist_from_xml((const char *)http->body, (uint32_t)http->body_size, &plist);
	bool ok = plist != NULL && plist_get_node_type(plist) == PLIST_DICT;
	enum MHD_Result result = ok ? sign(signing, http, plist) : answer_status(http, 100);
	plist_free(plist);
	return result;
}

static bool
plays_host(const char *host)
{
	g_autofree char *name = g_strndup(host, strcspn(host, ":"));
	return g_strv_contains(hosts, name);
}

static enum MHD_Result
on_request(void *data, const LabHttpRequest *http)
{
	LabSigning *signing = data;
	bool known = plays_host(http->host);
	if (known && signing->spec.off) {
		record_request(signing, http->host, http->path, 0);
		lab_http_reset_on_close(http->connection);
		return MHD_NO;
	}
	if (known && strcmp(http->path, controller) == 0 &&
	    strcmp(http->method, MHD_HTTP_METHOD_POST) == 0)
		return answer_controller(signing, http);
	if (known && g_str_has_prefix(http->path, image_keys)) {
		record_request(signing, http->host, http->path, MHD_HTTP_OK);
		return lab_http_text(http, MHD_HTTP_OK, "application/json", "{\"key\":\"lab\"}\n");
	}
	unsigned status = known ? MHD_HTTP_NOT_FOUND : MHD_HTTP_FORBIDDEN;
	record_request(signing, http->host, http->path, status);
	return lab_http_text(http, status, "text/html", web_page);
}

static bool
plays(void *data, const char *host, const char *port)
{
	LabSigning *signing = data;
	bool known = plays_host(host) && strcmp(port, "443") == 0 && !signing->spec.off;
	if (!known) {
		g_autofree char *target = g_strconcat(host, ":", port, NULL);
		record_request(signing, target, "", MHD_HTTP_FORBIDDEN);
	}
	return known;
}

/* ---- life ------------------------------------------------------------------------------------- */

static bool
start(LabSigning *signing, GError **error)
{
	if (!lab_certificate_make(&signing->certificate, hosts, error) ||
	    !lab_certificate_make(&signing->known, hosts, error))
		return false;
	signing->plain = lab_httpd_new(&(LabHttpdSpec){ .handler = on_request, .data = signing },
				       error);
	if (signing->plain == NULL)
		return false;
	signing->tls = lab_httpd_new(&(LabHttpdSpec){ .handler = on_request,
						      .data = signing,
						      .key_pem = signing->certificate.key_pem,
						      .certificate_pem =
							  signing->certificate.certificate_pem },
				     error);
	if (signing->tls == NULL)
		return false;
	signing->proxy = lab_proxy_new(&(LabProxySpec){ .plays = plays,
							.data = signing,
							.plain = signing->plain,
							.tls = signing->tls },
				       error);
	return signing->proxy != NULL;
}

LabSigning *
lab_signing_new(const LabSigningSpec *spec, GError **error)
{
	g_return_val_if_fail(spec->record != NULL, NULL);

	LabSigning *signing = g_new0(LabSigning, 1);
	signing->spec = *spec;
	signing->refused = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (!start(signing, error)) {
		lab_signing_free(signing);
		return NULL;
	}
	signing->proxy_url = g_strdup_printf("http://127.0.0.1:%u", lab_proxy_port(signing->proxy));
	signing->url = g_strconcat(signing->proxy_url, controller, "?action=2", NULL);
	return signing;
}

void
lab_signing_free(LabSigning *signing)
{
	if (signing == NULL)
		return;
	lab_proxy_free(signing->proxy);
	lab_httpd_free(signing->tls);
	lab_httpd_free(signing->plain);
	lab_certificate_clear(&signing->certificate);
	lab_certificate_clear(&signing->known);
	g_hash_table_unref(signing->refused);
	g_free(signing->url);
	g_free(signing->proxy_url);
	g_free(signing);
}

void
lab_signing_refuse_build(LabSigning *signing, const char *build_id)
{
	g_hash_table_add(signing->refused, g_strdup(build_id));
}

const char *
lab_signing_url(const LabSigning *signing)
{
	return signing->url;
}

const char *
lab_signing_proxy(const LabSigning *signing)
{
	return signing->proxy_url;
}

const char *
lab_signing_certificate(const LabSigning *signing)
{
	return signing->spec.foreign ? signing->known.certificate_pem
				     : signing->certificate.certificate_pem;
}
