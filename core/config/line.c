/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/config/line.h"

#include <string.h>

#include "core/base/error.h"
#include "core/config/group.h"

#define DAY_MS         (INT64_C(24) * 3600 * 1000)
#define MAX_DELIVERIES 16u /* webhooks and hooks: each may have a child of its own */
#define OUTBOX_BYTES   (UINT64_C(16) << 20)
#define ALL_KINDS      ((1u << RESCUE_NOTICE_LAST) - 1)
#define WEBHOOK_MS     10000
#define HOOK_MS        30000

enum { GROUP_LINE, GROUP_WEB, GROUP_WEBHOOK, GROUP_HOOK };

typedef RescueLineConfig LINE;
typedef RescueLineConfig WEB;
typedef RescueWebhook WEBHOOK;
typedef RescueHook HOOK;

static const RescueGroupField keys[] = {
#define RESCUE_LINE_KEY(type, text, member, kind_id, min, max) \
	{ GROUP_##type, { text, offsetof(type, member), RESCUE_FIELD_##kind_id, min, max } },
#include "core/config/line-key.def"
#undef RESCUE_LINE_KEY
	{ .field = { .key = NULL } },
};

static const char *const notice_names[] = {
#define RESCUE_NOTICE(id, name, text) [RESCUE_NOTICE_##id] = name,
#include "core/config/notice.def"
#undef RESCUE_NOTICE
};

const char *
rescue_notice_name(RescueNoticeKind kind)
{
	return kind < RESCUE_NOTICE_LAST ? notice_names[kind] : "unknown";
}

bool
rescue_notice_parse(const char *name, RescueNoticeKind *ret_kind)
{
	for (unsigned i = 0; i < RESCUE_NOTICE_LAST; i++) {
		if (g_strcmp0(notice_names[i], name) != 0)
			continue;
		*ret_kind = (RescueNoticeKind)i;
		return true;
	}
	return false;
}

static void
free_webhook(void *data)
{
	RescueWebhook *webhook = data;

	g_free(webhook->name);
	g_free(webhook->url);
	g_strfreev(webhook->events);
	g_free(webhook->secret);
	g_free(webhook->ca_file);
	g_free(webhook);
}

static void
free_hook(void *data)
{
	RescueHook *hook = data;

	g_free(hook->name);
	g_free(hook->program);
	g_strfreev(hook->arguments);
	g_strfreev(hook->events);
	g_free(hook);
}

RescueLineConfig *
rescue_line_config_new(void)
{
	RescueLineConfig *config = g_new(RescueLineConfig, 1);

	*config = (RescueLineConfig){
		.name = g_strdup("line"),
		.listen = g_strdup(RESCUE_LINE_LISTEN),
		.outbox_bytes = OUTBOX_BYTES,
		.webhooks = g_ptr_array_new_with_free_func(free_webhook),
		.hooks = g_ptr_array_new_with_free_func(free_hook),
	};
	return config;
}

void
rescue_line_config_free(RescueLineConfig *config)
{
	if (config == NULL)
		return;
	char *const strings[] = { config->name,   config->station,     config->rules,
				  config->listen, config->certificate, config->key,
				  config->tokens };
	for (size_t i = 0; i < G_N_ELEMENTS(strings); i++)
		g_free(strings[i]);
	g_strfreev(config->hosts);
	g_ptr_array_unref(config->webhooks);
	g_ptr_array_unref(config->hooks);
	g_free(config);
}

static bool
read_events(char *const *events, unsigned *kinds, const RescueIniGroup *group, GError **error)
{
	RescueNoticeKind kind;

	*kinds = events == NULL ? ALL_KINDS : 0;
	for (size_t i = 0; events != NULL && events[i] != NULL; i++) {
		if (!rescue_notice_parse(events[i], &kind)) {
			(void)rescue_config_refuse(error, "events: unknown", events[i]);
			g_prefix_error(error, "[%s] ", group->name);
			return false;
		}
		*kinds |= 1u << kind;
	}
	return true;
}

/* `what` is what has to be said in the group */
static bool
require(const char *value, const char *what, const RescueIniGroup *group, GError **error)
{
	if (value != NULL)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT, "[%s]: %s is not said",
		    group->name, what);
	return false;
}

/* names become names of files */
static bool
check_name(const char *name, const RescueIniGroup *group, GError **error)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	if (n > 0 && n <= 32 && name[n] == '\0')
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
		    "[%s]: a name is made of at most 32 of a-z, 0-9 and -", group->name);
	return false;
}

/* plain http is for one's own computer: bodies are signed, not hidden */
static bool
check_url(const RescueWebhook *webhook, GError **error)
{
	g_autoptr(GUri) uri = g_uri_parse(webhook->url, G_URI_FLAGS_NONE, NULL);
	const char *scheme = uri != NULL ? g_uri_get_scheme(uri) : "";
	const char *host = uri != NULL ? g_uri_get_host(uri) : NULL;
	bool near = g_strcmp0(host, "localhost") == 0 || g_strcmp0(host, "127.0.0.1") == 0 ||
		    g_strcmp0(host, "::1") == 0;

	if (host != NULL && *host != '\0' && g_uri_get_userinfo(uri) == NULL &&
	    (strcmp(scheme, "https") == 0 || (near && strcmp(scheme, "http") == 0)))
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
		    "[webhook %s] url: ‘%s’ is not an https address without a login (http only to "
		    "this computer)",
		    webhook->name, webhook->url);
	return false;
}

static bool
read_webhook(void *object, const RescueIniGroup *group, const char *name, GError **error)
{
	RescueLineConfig *config = object;
	RescueWebhook *webhook = g_new0(RescueWebhook, 1);

	webhook->name = g_strdup(name);
	webhook->deadline_ms = WEBHOOK_MS;
	webhook->give_up_ms = DAY_MS;
	g_ptr_array_add(config->webhooks, webhook);
	return check_name(name, group, error) &&
	       rescue_group_fields_read(keys, GROUP_WEBHOOK, webhook, group, error) &&
	       require(webhook->url, "url", group, error) &&
	       require(webhook->secret, "secret", group, error) && check_url(webhook, error) &&
	       read_events(webhook->events, &webhook->kinds, group, error);
}

static bool
read_hook(void *object, const RescueIniGroup *group, const char *name, GError **error)
{
	RescueLineConfig *config = object;
	RescueHook *hook = g_new0(RescueHook, 1);

	hook->name = g_strdup(name);
	hook->deadline_ms = HOOK_MS;
	g_ptr_array_add(config->hooks, hook);
	return check_name(name, group, error) &&
	       rescue_group_fields_read(keys, GROUP_HOOK, hook, group, error) &&
	       require(hook->program, "program", group, error) &&
	       read_events(hook->events, &hook->kinds, group, error);
}

static bool
read_line_group(void *config, const RescueIniGroup *group, const char *name, GError **error)
{
	return rescue_group_fields_read(keys, GROUP_LINE, config, group, error);
}

static bool
read_web(void *object, const RescueIniGroup *group, const char *name, GError **error)
{
	const RescueLineConfig *config = object;

	if (!rescue_group_fields_read(keys, GROUP_WEB, object, group, error))
		return false;
	if ((config->certificate == NULL) == (config->key == NULL))
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
		    "[web]: certificate and key belong together, and only one is said");
	return false;
}

static const RescueGroupKind group_kinds[] = {
	{ "line", false, read_line_group },
	{ "web", false, read_web },
	{ "webhook", true, read_webhook },
	{ "hook", true, read_hook },
	{ .name = NULL },
};

static void
place(char **path, const char *dir)
{
	g_autofree char *given = *path;

	*path = given != NULL ? g_canonicalize_filename(given, dir) : NULL;
}

static void
place_all(RescueLineConfig *config, const char *dir)
{
	char **const paths[] = { &config->station, &config->rules, &config->certificate,
				 &config->key, &config->tokens };

	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
		place(paths[i], dir);
	for (unsigned i = 0; i < config->webhooks->len; i++) {
		RescueWebhook *webhook = g_ptr_array_index(config->webhooks, i);
		place(&webhook->secret, dir);
		place(&webhook->ca_file, dir);
	}
	for (unsigned i = 0; i < config->hooks->len; i++) {
		RescueHook *hook = g_ptr_array_index(config->hooks, i);
		place(&hook->program, dir);
	}
}

static bool
read_all(RescueLineConfig *config, const GPtrArray *groups, GError **error)
{
	if (!rescue_groups_read(group_kinds, config, groups, error))
		return false;
	if (config->webhooks->len + config->hooks->len <= MAX_DELIVERIES)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
		    "%u webhooks and hooks are more than the %u that a line has",
		    config->webhooks->len + config->hooks->len, MAX_DELIVERIES);
	return false;
}

RescueLineConfig *
rescue_line_config_load(const char *path, GError **error)
{
	g_autofree char *full = g_canonicalize_filename(path, NULL);
	g_autofree char *dir = g_path_get_dirname(full);
	g_autoptr(GPtrArray) groups = rescue_ini_load(path, "line", error);
	g_autoptr(RescueLineConfig) config = rescue_line_config_new();

	if (groups == NULL)
		return NULL;
	if (!read_all(config, groups, error)) {
		(void)rescue_config_blame(error, path);
		return NULL;
	}
	place_all(config, dir);
	return g_steal_pointer(&config);
}
