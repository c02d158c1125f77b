/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/progress.h"

#include "core/base/parse.h"
#include "core/failure/failure.h"
#include "core/model/mode.h"

/* Events as sentences; see the table at the end. */

static const char *
text_or(const RescueJson *event, const char *key, const char *fallback)
{
	const char *text = rescue_json_get_string(event, key);

	return text != NULL ? text : fallback;
}

static char *
say_device(const RescueJson *event)
{
	const char *port = rescue_json_get_string(event, "port");
	const char *mode = text_or(event, "mode", "unknown");
	const char *name = text_or(event, "product", "the device");

	if (g_strcmp0(mode, "absent") == 0)
		return g_strdup_printf("%s left the bus", name);
	if (g_strcmp0(mode, "unknown") == 0)
		return g_strdup_printf("%s is back on port %s and is being asked for its mode",
				       name, port != NULL ? port : "?");
	if (port != NULL)
		return g_strdup_printf("%s is in %s mode on port %s", name, mode, port);
	return g_strdup_printf("%s is in %s mode", name, mode);
}

static char *
say_attempt(const RescueJson *event)
{
	int64_t number = 0;
	const char *engine = rescue_json_get_string(event, "engine");
	const char *outcome = rescue_json_get_string(event, "outcome");

	(void)rescue_json_get_int(event, "number", &number);
	if (outcome != NULL)
		return g_strdup_printf("attempt %d: %s", (int)number, outcome);
	if (engine != NULL)
		return g_strdup_printf("attempt %d with engine %s", (int)number, engine);
	return g_strdup_printf("attempt %d", (int)number);
}

/* of each domain the first: itunes has a dozen numbers for the same thing */
static void
append_codes(GString *text, const RescueJson *codes)
{
	size_t i;
	const char *last = "";

	for (i = 0; i < rescue_json_length(codes); i++) {
		const RescueJson *code = rescue_json_at(codes, i);
		const char *domain = rescue_json_get_string(code, "domain");
		int64_t value;
		if (domain == NULL || !rescue_json_get_int(code, "value", &value) ||
		    g_strcmp0(domain, last) == 0)
			continue;
		g_string_append_printf(text, ", %s %" G_GINT64_FORMAT, domain, value);
		last = domain;
	}
}

/* under which of the documented categories the public lists have it, when its own category is not one of them */
static void
append_documented(GString *text, const char *category, const RescueJson *documented)
{
	size_t i;

	for (i = 0; i < rescue_json_length(documented); i++) {
		const char *name = rescue_json_text(rescue_json_at(documented, i));
		if (i == 0 && g_strcmp0(name, category) == 0)
			return;
		g_string_append_printf(text, "%s%s", i == 0 ? ", documented under " : " and ",
				       name);
	}
}

char *
rescue_failure_sentence(const RescueJson *failure)
{
	GString *text = g_string_new(text_or(failure, "failure", "unexplained"));
	const char *category = rescue_json_get_string(failure, "category");

	g_string_append_printf(text, " (category %s", category != NULL ? category : "unknown");
	append_documented(text, category, rescue_json_get(failure, "documented"));
	append_codes(text, rescue_json_get(failure, "codes"));
	g_string_append_c(text, ')');
	return g_string_free(text, FALSE);
}

static char *
say_failure(const RescueJson *event)
{
	g_autofree char *name = rescue_failure_sentence(event);
	const char *text = rescue_json_get_string(event, "text");
	RescueFailure failure;

	if (text == NULL && rescue_failure_parse(text_or(event, "failure", ""), &failure))
		text = rescue_failure_info(failure)->means;
	return g_strdup_printf("failed: %s [%s]", text != NULL ? text : "it is not known why",
			       name);
}

static char *
say_remedy(const RescueJson *event)
{
	const char *what = text_or(event, "text", text_or(event, "name", "a change"));
	const char *did = rescue_json_get_string(event, "did");
	const char *outcome = rescue_json_get_string(event, "outcome");
	const char *who = rescue_json_get_bool(event, "automatic", true) ? "remedy"
									 : "for you to do";

	if (did != NULL)
		return g_strdup_printf("%s: %s%s", who, did,
				       g_strcmp0(outcome, "no-effect") == 0 ? ": this had no effect"
									    : "");
	if (g_strcmp0(outcome, "no-effect") == 0)
		return g_strdup_printf("%s: %s: this had no effect", who, what);
	return g_strdup_printf("%s: %s%s", who, what, outcome != NULL ? ": done" : "");
}

static char *
say_operator(const RescueJson *event)
{
	int64_t deadline = 0;
	const char *what = text_or(event, "instruction", "help is needed");

	if (rescue_json_get_int(event, "deadline", &deadline) && deadline > 0)
		return g_strdup_printf("please: %s (within %d s)", what, (int)deadline);
	return g_strdup_printf("please: %s", what);
}

/* only what lets somebody wait, or ends that; all else is told by steps and failures */
static char *
say_signing(const RescueJson *event)
{
	const char *verdict = text_or(event, "verdict", "");

	if (g_strcmp0(verdict, "waiting") != 0)
		return NULL;
	return g_strdup_printf("waiting for the signing server, the restore goes on behind it: %s",
			       text_or(event, "message", "it gives no usable answer"));
}

static char *
say_firmware(const RescueJson *event)
{
	int64_t size = 0;
	g_autofree char *text = NULL;

	if (rescue_json_get_int(event, "size", &size) && size > 0)
		text = rescue_format_size((uint64_t)size);
	return g_strdup_printf("firmware %s (%s) for %s%s%s", text_or(event, "version", "?"),
			       text_or(event, "build", "?"), text_or(event, "product", "?"),
			       text != NULL ? ", " : "", text != NULL ? text : "");
}

static char *
say_note(const RescueJson *event)
{
	return g_strdup(text_or(event, "text", "?"));
}

static char *
say_done(const RescueJson *event)
{
	return g_strdup(text_or(event, "outcome", "done"));
}

static const struct {
	const char *name;
	char *(*say)(const RescueJson *event);
} sentences[] = {
	{ "device", say_device },     { "attempt", say_attempt },   { "failure", say_failure },
	{ "remedy", say_remedy },     { "operator", say_operator }, { "done", say_done },
	{ "firmware", say_firmware }, { "note", say_note },         { "signing", say_signing },
};

char *
rescue_event_sentence(const RescueJson *event)
{
	const char *name = rescue_json_get_string(event, "event");
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(sentences); i++) {
		if (g_strcmp0(sentences[i].name, name) == 0)
			return sentences[i].say(event);
	}
	return NULL;
}
