/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "firmware/fetch/fetch.h"

RescueJson *
rescue_fetch_news_to_json(const RescueTransferNews *news)
{
	RescueJson *json = rescue_json_object_new();

	rescue_json_set_string(json, "event", news->text != NULL ? "note" : "progress");
	rescue_json_set_int(json, "bytes", (int64_t)news->bytes);
	rescue_json_set_int(json, "total", (int64_t)news->total);
	rescue_json_set_int(json, "rate", (int64_t)news->rate);
	rescue_json_set_int(json, "flows", news->flows);
	rescue_json_set_string(json, "url", news->url);
	rescue_json_set_string(json, "text", news->text);
	return json;
}

RescueJson *
rescue_fetch_done_to_json(const RescueStored *stored)
{
	RescueJson *json = rescue_json_object_new();

	rescue_json_set_string(json, "event", "done");
	rescue_json_set_string(json, "path", stored->path);
	rescue_json_set_string(json, "sha256", stored->release->sha256);
	rescue_json_set_int(json, "bytes", (int64_t)stored->size_bytes);
	rescue_json_set_int(json, "total", (int64_t)stored->size_bytes);
	return json;
}

RescueJson *
rescue_fetch_error_to_json(const GError *error)
{
	RescueJson *json = rescue_json_object_new();
	RescueFailure failure = error->domain == RESCUE_ERROR ? (RescueFailure)error->code
							      : RESCUE_FAILURE_INTERNAL;

	rescue_json_set_string(json, "event", "failed");
	rescue_json_set_string(json, "failure", rescue_failure_info(failure)->name);
	rescue_json_set_string(json, "text", error->message);
	return json;
}

static void
read_failed(RescueObservation *seen, const RescueJson *json)
{
	const char *text = rescue_json_get_string(json, "text");
	RescueFailure failure = RESCUE_FAILURE_INTERNAL;

	(void)rescue_failure_parse(rescue_json_get_string(json, "failure"), &failure);
	g_set_error_literal(&seen->error, RESCUE_ERROR, (int)failure,
			    text != NULL ? text : "the download failed without a word");
}

RescueObservation *
rescue_fetch_read_line(const char *line, char **ret_sha256)
{
	g_autoptr(RescueJson) json = rescue_json_parse(line, strlen(line), NULL);
	const char *event = json != NULL ? rescue_json_get_string(json, "event") : NULL;
	RescueObservation *seen;

	if (event == NULL)
		return NULL;
	seen = rescue_observation_new(RESCUE_OBSERVED_FETCH);
	seen->bytes = rescue_json_get_count(json, "bytes");
	seen->total = rescue_json_get_count(json, "total");
	if (strcmp(event, "note") == 0)
		seen->line = g_strdup(rescue_json_get_string(json, "text"));
	else if (strcmp(event, "failed") == 0)
		read_failed(seen, json);
	else if (strcmp(event, "done") == 0) {
		seen->path = g_strdup(rescue_json_get_string(json, "path"));
		*ret_sha256 = g_strdup(rescue_json_get_string(json, "sha256"));
	}
	return seen;
}
