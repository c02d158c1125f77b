/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/signing/answer.h"

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "firmware/signing/reply.h"

#define SCHEMA_VERSION 1

void
rescue_signing_answer_clear(RescueSigningAnswer *answer)
{
	g_free(answer->version);
	g_free(answer->build);
	g_free(answer->variant);
	g_free(answer->board);
	g_free(answer->server);
	g_free(answer->message);
	g_free(answer->nonce);
	g_clear_pointer(&answer->ticket, g_bytes_unref);
	*answer = (RescueSigningAnswer){ .ecid = 0 };
}

char *
rescue_signing_answer_hash(const RescueSigningAnswer *answer)
{
	return answer->ticket != NULL
		   ? g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, answer->ticket)
		   : NULL;
}

static void
set_ticket(RescueJson *json, const RescueSigningAnswer *answer)
{
	gsize size = 0;
	const guchar *data = g_bytes_get_data(answer->ticket, &size);
	g_autofree char *text = g_base64_encode(data, size);

	rescue_json_set_string(json, "ticket", text);
}

static void
set_failure(RescueJson *json, RescueFailure failure)
{
	const RescueFailureInfo *info = rescue_failure_info(failure);

	if (failure == RESCUE_FAILURE_NONE)
		return;
	rescue_json_set_string(json, "failure", info->name);
	rescue_json_set_string(json, "category", rescue_category_name(info->category));
}

/* an error of the server is no answer to the question: then nobody says "signed", neither true nor false */
static void
set_verdict(RescueJson *json, RescueFailure failure)
{
	bool known = failure == RESCUE_FAILURE_NONE || failure == RESCUE_FAILURE_SIGNING_REFUSED;
	bool is_signed = failure == RESCUE_FAILURE_NONE;

	if (known)
		rescue_json_set_bool(json, "signed", is_signed);
	rescue_json_set_string(json, "verdict",
			       is_signed ? "signed"
			       : known   ? "not-signed"
					 : "unknown");
}

RescueJson *
rescue_signing_answer_to_json(const RescueSigningAnswer *answer, bool with_ticket)
{
	RescueJson *json = rescue_json_object_new();
	g_autofree char *hash = rescue_signing_answer_hash(answer);
	char ecid[RESCUE_ECID_TEXT];

	rescue_json_set_int(json, "v", SCHEMA_VERSION);
	set_verdict(json, answer->failure);
	rescue_json_set_string(json, "ecid", rescue_ecid_format(answer->ecid, ecid));
	rescue_json_set_string(json, "version", answer->version);
	rescue_json_set_string(json, "build", answer->build);
	rescue_json_set_string(json, "variant", answer->variant);
	rescue_json_set_string(json, "board", answer->board);
	rescue_json_set_int(json, "chip_id", answer->chip_id);
	rescue_json_set_int(json, "board_id", answer->board_id);
	rescue_json_set_string(json, "behavior", rescue_behavior_name(answer->behavior));
	rescue_json_set_string(json, "server", answer->server);
	rescue_json_set_int(json, "status", answer->status);
	rescue_json_set_string(json, "message", answer->message);
	set_failure(json, answer->failure);
	rescue_json_set_string(json, "nonce", answer->nonce);
	rescue_json_set_string(json, "ticket_sha256", hash);
	if (with_ticket && answer->ticket != NULL)
		set_ticket(json, answer);
	return json;
}

static bool
get_id(const RescueJson *json, const char *key, uint32_t *ret_value)
{
	int64_t value;

	if (!rescue_json_get_int(json, key, &value) || value < 0 || value > UINT32_MAX)
		return false;
	*ret_value = (uint32_t)value;
	return true;
}

static bool
get_verdict(const RescueJson *json, RescueSigningAnswer *answer)
{
	const char *name = rescue_json_get_string(json, "failure");
	int64_t status;

	if (!rescue_json_get_int(json, "status", &status) || status < 0 ||
	    status > RESCUE_TSS_REPLY_MAX_STATUS)
		return false;
	answer->status = (int)status;
	answer->failure = RESCUE_FAILURE_NONE;
	if (name != NULL && !rescue_failure_parse(name, &answer->failure))
		return false;
	return rescue_json_get_bool(json, "signed", false) ==
	       (answer->failure == RESCUE_FAILURE_NONE);
}

static void
get_ticket(const RescueJson *json, RescueSigningAnswer *answer)
{
	const char *text = rescue_json_get_string(json, "ticket");
	gsize size = 0;
	guchar *data = text != NULL ? g_base64_decode(text, &size) : NULL;

	if (data != NULL && size > 0)
		answer->ticket = g_bytes_new_take(data, size);
	else
		g_free(data);
}

static void
get_words(const RescueJson *json, RescueSigningAnswer *answer)
{
	const struct {
		const char *key;
		char **target;
	} words[] = {
		{ "version", &answer->version }, { "build", &answer->build },
		{ "variant", &answer->variant }, { "board", &answer->board },
		{ "server", &answer->server },   { "message", &answer->message },
		{ "nonce", &answer->nonce },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		*words[i].target = g_strdup(rescue_json_get_string(json, words[i].key));
}

bool
rescue_signing_answer_from_json(const RescueJson *json, RescueSigningAnswer *ret_answer,
				GError **error)
{
	g_auto(RescueSigningAnswer) answer = { .ecid = 0 };
	const char *ecid = rescue_json_get_string(json, "ecid");
	const char *behavior = rescue_json_get_string(json, "behavior");

	get_words(json, &answer);
	get_ticket(json, &answer);
	answer.behavior = g_strcmp0(behavior, rescue_behavior_name(RESCUE_BEHAVIOR_ERASE)) == 0
			      ? RESCUE_BEHAVIOR_ERASE
			      : RESCUE_BEHAVIOR_UPDATE;
	if (ecid == NULL || !rescue_ecid_parse(ecid, &answer.ecid, NULL) ||
	    !get_id(json, "chip_id", &answer.chip_id) ||
	    !get_id(json, "board_id", &answer.board_id) || !get_verdict(json, &answer)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_INTERNAL,
			    "the signing worker gave an answer that cannot be understood");
		return false;
	}
	*ret_answer = answer;
	answer = (RescueSigningAnswer){ .ecid = 0 };
	return true;
}
