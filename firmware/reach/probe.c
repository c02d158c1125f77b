/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/reach/probe.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#define MAX_BODY   4096u
#define MAX_TEXT   256
#define CONNECT_MS 3500L
#define DATE_NAME  "date:"

typedef struct {
	GString *body;
	char *issuer;
	long verdict; /* X509_V_OK, or why it is not trusted */
	bool looked;  /* a certificate was shown */
	int64_t date_s;
} Probe;

static size_t
on_body(char *data, size_t size, size_t count, void *user)
{
	Probe *probe = user;

	g_string_append_len(probe->body, data,
			    (gssize)MIN(size * count, MAX_BODY - probe->body->len));
	return size * count;
}

static size_t
on_header(char *data, size_t size, size_t count, void *user)
{
	Probe *probe = user;
	size_t bytes = size * count;

	if (bytes > strlen(DATE_NAME) &&
	    g_ascii_strncasecmp(data, DATE_NAME, strlen(DATE_NAME)) == 0) {
		g_autofree char *text = g_strndup(data + strlen(DATE_NAME),
						  bytes - strlen(DATE_NAME));
		time_t date = curl_getdate(g_strstrip(text), NULL);
		probe->date_s = date > 0 ? date : 0;
	}
	return bytes;
}

/* libcurl's own verification, with a look at what it sees; the decision stays OpenSSL's */
static int
on_certificate(X509_STORE_CTX *store, void *user)
{
	Probe *probe = user;
	int fine = X509_verify_cert(store);
	const X509 *certificate = X509_STORE_CTX_get0_cert(store);
	char text[MAX_TEXT] = "";

	probe->verdict = fine > 0 ? X509_V_OK : X509_STORE_CTX_get_error(store);
	probe->looked = true;
	if (certificate == NULL)
		return fine;
	(void)X509_NAME_oneline(X509_get_issuer_name(certificate), text, sizeof(text));
	g_free(probe->issuer);
	probe->issuer = g_utf8_make_valid(text, -1);
	return fine;
}

static CURLcode
on_tls(CURL *curl, void *context, void *user)
{
	SSL_CTX_set_cert_verify_callback(context, on_certificate, user);
	return CURLE_OK;
}

static const char *
ca_file(const RescueProbe *probe)
{
	const char *environment = g_getenv("SSL_CERT_FILE");

	if (probe->ca_file != NULL)
		return probe->ca_file;
	return environment != NULL && *environment != '\0' ? environment : NULL;
}

static void
set_up(CURL *curl, const RescueProbe *spec, Probe *probe, char *message)
{
	curl_easy_setopt(curl, CURLOPT_URL, spec->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, on_tls);
	curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, probe);
	if (ca_file(spec) != NULL)
		curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file(spec));
	if (spec->direct)
		curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_NOBODY, spec->keep_body ? 0L : 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, probe);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, probe);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)spec->deadline_ms);
}

static bool
is_untimely(long verdict)
{
	return verdict == X509_V_ERR_CERT_NOT_YET_VALID || verdict == X509_V_ERR_CERT_HAS_EXPIRED;
}

/* it wants a name or a password, or does not let the request through; with 5xx it could not reach the server */
static bool
is_refusal(long status)
{
	static const long refusals[] = { 401, 403, 407, 451, 511 };

	for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
		if (refusals[i] == status)
			return true;
	}
	return false;
}

static RescueReached
reached_by_proxy(CURL *curl, CURLcode code)
{
	long status = 0;

	(void)curl_easy_getinfo(curl, CURLINFO_HTTP_CONNECTCODE, &status);
	return code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_PROXY || is_refusal(status)
		   ? RESCUE_REACHED_PROXY
		   : RESCUE_REACHED_NOT;
}

static RescueReached
result_of(CURL *curl, CURLcode code, const Probe *probe)
{
	switch (code) {
	case CURLE_OK:
		return RESCUE_REACHED_YES;
	case CURLE_SSL_CACERT_BADFILE:
		return RESCUE_REACHED_NO_LIST;
	case CURLE_PEER_FAILED_VERIFICATION:
		return is_untimely(probe->verdict) ? RESCUE_REACHED_UNTIMELY
						   : RESCUE_REACHED_UNTRUSTED;
	case CURLE_SSL_CONNECT_ERROR:
		return RESCUE_REACHED_NO_TLS;
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
		/* the connection was there: whoever cuts it behind the handshake did so on purpose */
		return probe->looked ? RESCUE_REACHED_YES : reached_by_proxy(curl, code);
	default:
		return reached_by_proxy(curl, code);
	}
}

/* a proxy that does not even listen looks like a server that does not */
static RescueReached
blame_proxy(const RescueProbe *spec, CURLcode code, RescueReached result)
{
	bool refused = code == CURLE_COULDNT_CONNECT && result == RESCUE_REACHED_NOT;

	return refused && !spec->direct && rescue_probe_is_proxied(spec->url) ? RESCUE_REACHED_PROXY
									      : result;
}

void
rescue_probe(const RescueProbe *spec, RescueReachPort *ret_port)
{
	Probe probe = { .body = g_string_new(NULL) };
	char message[CURL_ERROR_SIZE] = "";
	const char *redirect = NULL;
	CURL *curl = curl_easy_init();
	CURLcode code;

	g_assert(curl != NULL); /* as with memory */
	set_up(curl, spec, &probe, message);
	code = curl_easy_perform(curl);
	(void)curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &redirect);
	*ret_port = (RescueReachPort){
		.result = blame_proxy(spec, code, result_of(curl, code, &probe)),
		.issuer = probe.issuer,
		.redirect = g_strdup(redirect),
		.date_s = probe.date_s,
		.asked_s = g_get_real_time() / G_USEC_PER_SEC,
	};
	if (ret_port->result != RESCUE_REACHED_YES)
		ret_port->why = g_strdup(*message != '\0' ? message : curl_easy_strerror(code));
	ret_port->body = g_string_free(probe.body, !spec->keep_body);
	curl_easy_cleanup(curl);
}

/* as libcurl reads no_proxy: names, with or without a dot in front, and what ends with them */
static bool
is_excepted(const char *host)
{
	const char *text = g_getenv("no_proxy") != NULL ? g_getenv("no_proxy")
							: g_getenv("NO_PROXY");
	g_auto(GStrv) words = g_strsplit_set(text != NULL ? text : "", ", ", -1);

	for (unsigned i = 0; words[i] != NULL; i++) {
		const char *word = words[i][0] == '.' ? words[i] + 1 : words[i];
		g_autofree char *suffix = g_strconcat(".", word, NULL);
		if (strcmp(word, "*") == 0 ||
		    (*word != '\0' &&
		     (g_ascii_strcasecmp(word, host) == 0 || g_str_has_suffix(host, suffix))))
			return true;
	}
	return false;
}

bool
rescue_probe_is_proxied(const char *url)
{
	/* http_proxy in capitals is not honored, so that no web server can be told it by a header */
	static const char *const secure[] = { "https_proxy", "HTTPS_PROXY", "all_proxy",
					      "ALL_PROXY" };
	static const char *const plain[] = { "http_proxy", "all_proxy", "ALL_PROXY" };
	bool tls = g_str_has_prefix(url, "https:");
	const char *const *names = tls ? secure : plain;
	size_t count = tls ? G_N_ELEMENTS(secure) : G_N_ELEMENTS(plain);
	g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);

	if (uri == NULL || is_excepted(g_uri_get_host(uri)))
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *value = g_getenv(names[i]);
		if (value != NULL && *value != '\0')
			return true;
	}
	return false;
}
