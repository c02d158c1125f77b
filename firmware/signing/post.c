/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/signing/post.h"

#include <curl/curl.h>
#include <string.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "firmware/fetch/web.h"
#include "firmware/signing/reply.h"

#define CONNECT_MS  15000L
#define USER_AGENT  "InetURL/1.0"
#define MAX_ISSUER  256u
#define ISSUER_MARK "Issuer:"

/* how the messages below name the status of an answer */
#define HTTP_WORD "(HTTP "
#define DIGITS    "0123456789"
#define HTTP_LAST 599

enum { HTTP_OK = 200, HTTP_FORBIDDEN = 403, HTTP_TOO_MANY = 429, HTTP_ERRORS = 500 };

/* who issues the certificates of Apple's servers */
static const char *const authorities[] = { "Apple", "DigiCert" };

static const char *const headers[] = {
	"Content-Type: text/xml; charset=\"utf-8\"",
	"Cache-Control: no-cache",
	"Expect:",
};

typedef struct {
	const RescueTssPost *post;
	GString *body;
	bool overflow, given_up;
} Transfer;

void
rescue_tss_answer_clear(RescueTssAnswer *answer)
{
	g_free(answer->issuer);
	g_free(answer->body);
	*answer = (RescueTssAnswer){ .body = NULL };
}

char *
rescue_tss_url(const char *server)
{
	const char *host, *path;
	size_t bare;

	if (server == NULL)
		return g_strdup(RESCUE_TSS_URL);
	host = strstr(server, "://");
	path = strchr(host != NULL ? host + strlen("://") : server, '/');
	bare = path != NULL ? (size_t)(path - server) : strlen(server);
	if (path != NULL && path[1] != '\0')
		return g_strdup(server);
	return g_strdup_printf("%.*s%s", (int)bare, server, RESCUE_TSS_PATH);
}

static size_t
on_body(char *data, size_t size, size_t count, void *user)
{
	Transfer *transfer = user;

	if (size * count > RESCUE_TSS_REPLY_MAX_BYTES - transfer->body->len) {
		transfer->overflow = true;
		return 0;
	}
	g_string_append_len(transfer->body, data, (gssize)(size * count));
	return size * count;
}

static int
on_progress(void *user, curl_off_t dl_total, curl_off_t dl_now, curl_off_t ul_total,
	    curl_off_t ul_now)
{
	Transfer *transfer = user;
	const RescueTssPost *post = transfer->post;

	transfer->given_up = post->go_on != NULL && !post->go_on(post->data);
	return transfer->given_up ? 1 : 0;
}

static const char *
ca_file(const RescueTssPost *post)
{
	return post->ca_file != NULL ? post->ca_file : rescue_web_ca_file();
}

static void
set_up(CURL *curl, Transfer *transfer, const char *url, char *message)
{
	const RescueTssPost *post = transfer->post;

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
	if (ca_file(post) != NULL)
		curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file(post));
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->size);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, post->body);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, USER_AGENT);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)post->deadline_ms);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

/* of the server's own certificate; caller frees */
static char *
dup_issuer(CURL *curl)
{
	struct curl_certinfo *chain = NULL;
	const struct curl_slist *field;

	if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == NULL ||
	    chain->num_of_certs < 1)
		return NULL;
	for (field = chain->certinfo[0]; field != NULL; field = field->next) {
		if (g_str_has_prefix(field->data, ISSUER_MARK)) {
			g_autofree char *cut = g_strndup(field->data + strlen(ISSUER_MARK),
							 MAX_ISSUER);
			return g_utf8_make_valid(cut, -1);
		}
	}
	return NULL;
}

/* only this computer's own list can be wrong about it; who names a file names whom to trust */
static bool
is_foreign(const RescueTssPost *post, const char *issuer)
{
	if (post->server != NULL || ca_file(post) != NULL || issuer == NULL)
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(authorities); i++) {
		if (strstr(issuer, authorities[i]) != NULL)
			return false;
	}
	return true;
}

static RescueFailure
failure_of(CURL *curl, CURLcode code)
{
	RescueFailure failure = RESCUE_FAILURE_SIGNING_UNREACHABLE;

	if (rescue_web_is_denied(curl))
		return RESCUE_FAILURE_SIGNING_INTERCEPTED;
	if (code == CURLE_SSL_CACERT_BADFILE)
		return (RescueFailure)RESCUE_ERROR_BAD_INPUT;
	if (!rescue_failure_from_code("curl", code, &failure) ||
	    (failure != RESCUE_FAILURE_SIGNING_INTERCEPTED))
		return RESCUE_FAILURE_SIGNING_UNREACHABLE;
	return failure;
}

static bool
refuse(CURL *curl, CURLcode code, const Transfer *transfer, const char *message, GError **error)
{
	if (transfer->given_up)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_CANCELLED,
			    "nobody waits for the signing server any more");
	else if (transfer->overflow)
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_SIGNING_INTERCEPTED,
			    "the answer is far too large to be one of the signing server");
	else
		g_set_error(error, RESCUE_ERROR, (int)failure_of(curl, code),
			    "the signing server cannot be asked: %s",
			    *message != '\0' ? message : curl_easy_strerror(code));
	return false;
}

static void
fill(CURL *curl, const Transfer *transfer, const char *url, RescueTssAnswer *answer)
{
	answer->verified = g_str_has_prefix(url, "https:");
	answer->issuer = dup_issuer(curl);
	answer->foreign = is_foreign(transfer->post, answer->issuer);
	answer->body = g_strndup(transfer->body->str, transfer->body->len);
	answer->size = transfer->body->len;
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->http_status);
}

static bool
perform(CURL *curl, Transfer *transfer, RescueTssAnswer *ret_answer, GError **error)
{
	g_autofree char *url = rescue_tss_url(transfer->post->server);
	char message[CURL_ERROR_SIZE] = "";
	struct curl_slist *list = NULL;
	CURLcode code;

	for (size_t i = 0; i < G_N_ELEMENTS(headers); i++)
		list = curl_slist_append(list, headers[i]);
	set_up(curl, transfer, url, message);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
	code = curl_easy_perform(curl);
	curl_slist_free_all(list);
	if (code != CURLE_OK)
		return refuse(curl, code, transfer, message, error);
	fill(curl, transfer, url, ret_answer);
	return true;
}

bool
rescue_tss_post(const RescueTssPost *post, RescueTssAnswer *ret_answer, GError **error)
{
	Transfer transfer = { .post = post, .body = g_string_new(NULL) };
	CURL *curl = curl_easy_init();
	bool fine = false;

	if (curl == NULL)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_INTERNAL, "libcurl does not start");
	else
		fine = perform(curl, &transfer, ret_answer, error);
	curl_easy_cleanup(curl);
	g_string_free(transfer.body, TRUE);
	return fine;
}

bool
rescue_tss_answer_is_limit(const RescueTssAnswer *answer)
{
	return answer->verified && !answer->foreign &&
	       (answer->http_status == HTTP_TOO_MANY || answer->http_status == HTTP_FORBIDDEN);
}

int
rescue_tss_http_of_message(const char *message)
{
	const char *at = strstr(message, HTTP_WORD);
	g_autofree char *digits = at != NULL ? g_strndup(at + strlen(HTTP_WORD),
							 strspn(at + strlen(HTTP_WORD), DIGITS))
					     : NULL;
	guint64 status = 0;

	if (digits == NULL ||
	    !g_ascii_string_to_unsigned(digits, 10, 100, HTTP_LAST, &status, NULL))
		return 0;
	return (int)status;
}

bool
rescue_tss_answer_check(const RescueTssAnswer *answer, GError **error)
{
	g_autofree char *message = NULL;
	int status;

	if (answer->http_status == HTTP_OK && !answer->foreign &&
	    rescue_tss_reply_peek(answer->body, answer->size, &status, &message))
		return true;
	if (answer->http_status >= HTTP_ERRORS &&
	    !rescue_web_is_filter_status((unsigned)answer->http_status)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_SIGNING_SERVER,
			    "the signing server is out of order " HTTP_WORD "%ld)",
			    answer->http_status);
		return false;
	}
	if (rescue_tss_answer_is_limit(answer)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_SIGNING_SERVER,
			    "the signing server " RESCUE_TSS_LIMIT_WORDS " " HTTP_WORD "%ld)",
			    answer->http_status);
		return false;
	}
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_SIGNING_INTERCEPTED,
		    "something else answers in the place of the signing server " HTTP_WORD
		    "%ld%s%s)",
		    answer->http_status, answer->foreign ? ", certificate by " : "",
		    answer->foreign ? answer->issuer : "");
	return false;
}
