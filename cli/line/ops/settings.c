/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/ops/settings.h"

#include "core/base/error.h"

static RescueJson *
kinds_to_json(unsigned kinds)
{
	RescueJson *names = rescue_json_array_new();

	for (unsigned i = 0; i < RESCUE_NOTICE_LAST; i++) {
		if ((kinds & (1u << i)) != 0)
			rescue_json_append_string(names, rescue_notice_name(i));
	}
	return names;
}

static unsigned
kinds_of(const RescueJson *json)
{
	const RescueJson *names = rescue_json_get(json, "events");
	unsigned kinds = 0;

	for (size_t i = 0; i < rescue_json_length(names); i++) {
		RescueNoticeKind kind;
		if (rescue_notice_parse(rescue_json_text(rescue_json_at(names, i)), &kind))
			kinds |= 1u << kind;
	}
	return kinds;
}

RescueJson *
rescue_webhook_to_json(const RescueWebhook *webhook)
{
	RescueJson *json = rescue_json_object_new();

	rescue_json_set_string(json, "webhook", webhook->name);
	rescue_json_set_string(json, "url", webhook->url);
	rescue_json_set_string(json, "secret", webhook->secret);
	rescue_json_set_string(json, "ca_file", webhook->ca_file);
	rescue_json_set_int(json, "deadline_ms", webhook->deadline_ms);
	rescue_json_set_int(json, "give_up_ms", webhook->give_up_ms);
	rescue_json_take(json, "events", kinds_to_json(webhook->kinds));
	return json;
}

RescueJson *
rescue_hook_to_json(const RescueHook *hook)
{
	RescueJson *json = rescue_json_object_new();

	rescue_json_set_string(json, "hook", hook->name);
	rescue_json_set_string(json, "program", hook->program);
	rescue_json_set_strings(json, "arguments", hook->arguments);
	rescue_json_set_int(json, "deadline_ms", hook->deadline_ms);
	rescue_json_take(json, "events", kinds_to_json(hook->kinds));
	return json;
}

static char *
dup_member(const RescueJson *json, const char *key)
{
	return g_strdup(rescue_json_get_string(json, key));
}

/* what is missing was never left out by to_json(): it is none of ours */
static bool
check(bool whole, GError **error)
{
	if (!whole)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "what came on stdin describes no webhook and no hook");
	return whole;
}

static bool
read_webhook(const RescueJson *json, RescueLineConfig *config, GError **error)
{
	RescueWebhook *webhook = g_new0(RescueWebhook, 1);

	webhook->name = dup_member(json, "webhook");
	webhook->url = dup_member(json, "url");
	webhook->secret = dup_member(json, "secret");
	webhook->ca_file = dup_member(json, "ca_file");
	webhook->deadline_ms = (int)CLAMP(rescue_json_get_int_or(json, "deadline_ms", 0), 0,
					  G_MAXINT);
	webhook->give_up_ms = rescue_json_get_int_or(json, "give_up_ms", 0);
	webhook->kinds = kinds_of(json);
	g_ptr_array_add(config->webhooks, webhook);
	return check(webhook->url != NULL && webhook->secret != NULL && webhook->deadline_ms > 0,
		     error);
}

static bool
read_hook(const RescueJson *json, RescueLineConfig *config, GError **error)
{
	RescueHook *hook = g_new0(RescueHook, 1);

	hook->name = dup_member(json, "hook");
	hook->program = dup_member(json, "program");
	hook->arguments = rescue_json_dup_strings(rescue_json_get(json, "arguments"));
	hook->deadline_ms = (int)CLAMP(rescue_json_get_int_or(json, "deadline_ms", 0), 0, G_MAXINT);
	hook->kinds = kinds_of(json);
	g_ptr_array_add(config->hooks, hook);
	return check(hook->program != NULL && hook->deadline_ms > 0, error);
}

bool
rescue_courier_read(const RescueJson *json, RescueLineConfig *config, GError **error)
{
	if (rescue_json_get_string(json, "webhook") != NULL)
		return read_webhook(json, config, error);
	if (rescue_json_get_string(json, "hook") != NULL)
		return read_hook(json, config, error);
	return check(false, error);
}
