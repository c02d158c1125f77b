/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/ops/log.h"

struct RescueLineLog {
	GHashTable *phones; /* ECID to the sentence that was said of it last; both texts */
};

RescueLineLog *
rescue_line_log_new(void)
{
	RescueLineLog *log = g_new(RescueLineLog, 1);

	log->phones = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return log;
}

void
rescue_line_log_free(RescueLineLog *log)
{
	if (log == NULL)
		return;
	g_hash_table_unref(log->phones);
	g_free(log);
}

static char *
describe_phone(const RescueJson *line, const char *ecid)
{
	const char *port = rescue_json_get_string(line, "port");
	const char *why = rescue_json_get_string(line, "why");
	const char *job = rescue_json_get_string(line, "job");

	return g_strdup_printf("%s: %s: %s%s%s%s%s", port != NULL ? port : "no port", ecid,
			       rescue_json_get_string(line, "state"), job != NULL ? ", job " : "",
			       job != NULL ? job : "", why != NULL ? ": " : "",
			       why != NULL ? why : "");
}

static char *
word_phone(RescueLineLog *log, const RescueJson *line)
{
	const char *ecid = rescue_json_get_string(line, "ecid");
	g_autofree char *text = NULL;

	if (ecid == NULL)
		return NULL;
	if (rescue_json_get(line, "present") == NULL) { /* nothing to remember any more */
		(void)g_hash_table_remove(log->phones, ecid);
		return NULL;
	}
	text = describe_phone(line, ecid);
	if (g_strcmp0(g_hash_table_lookup(log->phones, ecid), text) == 0)
		return NULL;
	g_hash_table_replace(log->phones, g_strdup(ecid), g_strdup(text));
	return g_steal_pointer(&text);
}

char *
rescue_line_log_word(RescueLineLog *log, const RescueJson *line)
{
	const char *event = rescue_json_get_string(line, "event");

	if (g_strcmp0(event, "phone") == 0)
		return word_phone(log, line);
	if (g_strcmp0(event, "report") == 0)
		return g_strdup(rescue_json_get_string(line, "text"));
	if (g_strcmp0(event, "condemned") == 0)
		return g_strdup_printf("%s %s is out of use", rescue_json_get_string(line, "kind"),
				       rescue_json_get_string(line, "name"));
	return NULL;
}
