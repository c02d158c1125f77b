/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/webhook/webhook.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/error.h"
#include "core/base/path.h"

#define PROGRAM        "idevicerescue/" RESCUE_VERSION
#define FIRST_PAUSE_MS INT64_C(2000)
#define MAX_DOUBLINGS  20u /* far beyond the longest pause */
#define MAX_ANSWER     (64u * 1024)

/* what a server that has read the event says of the event itself */
static const long refusals[] = { 400, 410, 413, 415, 422 };

static bool
refuse(const char *path, const char *what, GError **error)
{
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT, "%s: %s", path, what);
	return false;
}

static bool
is_private(const char *path, GError **error)
{
	struct stat status;

	if (stat(path, &status) != 0) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot read ‘%s’: %s", path,
			    g_strerror(errno));
		return false;
	}
	return (status.st_mode & (S_IRWXG | S_IRWXO)) == 0 ||
	       refuse(path, "others may read this secret; chmod 600 it", error);
}

char *
rescue_webhook_read_secret(const char *path, GError **error)
{
	size_t size = 0;
	g_autofree char *text = NULL;

	if (!is_private(path, error))
		return NULL;
	text = rescue_path_read(path, RESCUE_WEBHOOK_SECRET_MAX + 2, &size, error);
	if (text == NULL)
		return NULL;
	text[strcspn(text, "\r\n")] = '\0';
	if (strlen(text) >= RESCUE_WEBHOOK_SECRET_MIN && strlen(text) <= RESCUE_WEBHOOK_SECRET_MAX)
		return g_steal_pointer(&text);
	(void)refuse(path, "a secret is one line of 16 to 1024 characters", error);
	return NULL;
}

char *
rescue_webhook_sign(const char *secret, int64_t wall_s, const char *body)
{
	g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT ".%s", wall_s, body);
	g_autofree char *digest = g_compute_hmac_for_data(G_CHECKSUM_SHA256, (const guchar *)secret,
							  strlen(secret), (const guchar *)text,
							  strlen(text));

	return g_strdup_printf("t=%" G_GINT64_FORMAT ",v1=%s", wall_s, digest);
}

RescueWebhookVerdict
rescue_webhook_judge(long status)
{
	if (status >= 200 && status < 300)
		return RESCUE_WEBHOOK_TAKEN;
	for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
		if (refusals[i] == status)
			return RESCUE_WEBHOOK_REFUSED;
	}
	return RESCUE_WEBHOOK_LATER;
}

int64_t
rescue_webhook_pause_ms(unsigned tries, int64_t asked_ms, double spread)
{
	unsigned doublings = MIN(MAX(tries, 1) - 1, MAX_DOUBLINGS);
	int64_t pause_ms = MIN(FIRST_PAUSE_MS << doublings, RESCUE_WEBHOOK_PAUSE_MAX_MS);

	pause_ms -= (int64_t)((double)pause_ms * CLAMP(spread, 0, 1) / 4);
	return CLAMP(asked_ms, pause_ms, MAX(pause_ms, RESCUE_WEBHOOK_PAUSE_MAX_MS));
}

/* nobody reads it; more than a little is not even waited for */
static size_t
on_body(char *bytes, size_t size, size_t count, void *data)
{
	size_t *seen = data;

	*seen += size * count;
	return *seen <= MAX_ANSWER ? size * count : 0;
}

static struct curl_slist *
make_headers(const RescueWebhookPost *post)
{
	g_autofree char *signature = rescue_webhook_sign(post->secret, post->wall_s, post->body);
	g_autofree char *signed_by = g_strconcat("Rescue-Signature: ", signature, NULL);
	g_autofree char *id = g_strconcat("Rescue-Event-Id: ", post->id, NULL);
	g_autofree char *kind = g_strconcat("Rescue-Event: ", post->kind, NULL);
	const char *const lines[] = { "Content-Type: application/json", "Expect:", signed_by, id,
				      kind };
	struct curl_slist *list = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
		list = curl_slist_append(list, lines[i]);
	return list;
}

static void
set_up(CURL *curl, const RescueWebhookPost *post, size_t *seen)
{
	(void)curl_easy_setopt(curl, CURLOPT_URL, post->url);
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	if (post->ca_file != NULL) {
		(void)curl_easy_setopt(curl, CURLOPT_CAINFO, post->ca_file);
		(void)curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
	(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(post->body));
	(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, post->body);
	(void)curl_easy_setopt(curl, CURLOPT_USERAGENT, PROGRAM);
	(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)post->deadline_ms);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, seen);
}

static int64_t
asked_ms(CURL *curl)
{
	curl_off_t seconds = 0;

	if (curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds) != CURLE_OK)
		return 0;
	return (int64_t)CLAMP(seconds, 0, RESCUE_WEBHOOK_PAUSE_MAX_MS / 1000) * 1000;
}

static bool
perform(CURL *curl, const RescueWebhookPost *post, RescueWebhookAnswer *ret_answer, GError **error)
{
	char message[CURL_ERROR_SIZE] = "";
	struct curl_slist *headers = make_headers(post);
	size_t seen = 0;
	CURLcode code;

	set_up(curl, post, &seen);
	(void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
	code = curl_easy_perform(curl);
	curl_slist_free_all(headers);
	/* an answer that was too long was an answer all the same */
	if (code == CURLE_OK || code == CURLE_WRITE_ERROR) {
		(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &ret_answer->status);
		ret_answer->asked_ms = asked_ms(curl);
		return true;
	}
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "no answer from ‘%s’: %s", post->url,
		    message[0] != '\0' ? message : curl_easy_strerror(code));
	return false;
}

bool
rescue_webhook_post(const RescueWebhookPost *post, RescueWebhookAnswer *ret_answer, GError **error)
{
	CURL *curl = curl_easy_init();
	bool fine = false;

	if (curl == NULL)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_INTERNAL, "libcurl does not start");
	else
		fine = perform(curl, post, ret_answer, error);
	curl_easy_cleanup(curl);
	return fine;
}
