/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/remedy/explain.h"

#include "core/failure/transcript.h"
#include "core/remedy/remedy.h"

#define MAX_SHOWN 12 /* codes of one failure */

static void
append_codes(GString *text, RescueFailure failure, const RescueCode *but)
{
	const RescueCode *code;
	size_t shown = 0, more = 0;
	for (size_t i = 0; (code = rescue_failure_code(failure, i)) != NULL; i++) {
		if (code == but)
			continue;
		if (shown == MAX_SHOWN) {
			more++;
			continue;
		}
		g_autofree char *name = rescue_code_format(code->domain, code->value);
		g_string_append_printf(text, "%s%s", shown++ == 0 ? "" : ", ", name);
	}
	if (more > 0)
		g_string_append_printf(text, " and %zu more", more);
	if (shown == 0)
		g_string_append(text, but == NULL ? "no number of its own" : "no other number");
}

static void
append_categories(GString *text, const RescueFailureInfo *info)
{
	g_string_append_printf(text, "%s", rescue_category_text(info->category));
	for (size_t i = 0; i < G_N_ELEMENTS(info->documented); i++) {
		if (info->documented[i] != RESCUE_CATEGORY_LAST)
			g_string_append_printf(text, "%s%s", i == 0 ? "; documented under: " : ", ",
					       rescue_category_text(info->documented[i]));
	}
}

/* the remedies of one kind, one per line */
static void
append_remedies(GString *text, RescueFailure failure, bool automatic)
{
	const RescueRemedy *ladder;
	size_t n = rescue_remedy_ladder(failure, &ladder);
	for (size_t i = 0; i < n; i++) {
		const RescueRemedyInfo *info = rescue_remedy_info(ladder[i]);
		if (info->automatic == automatic)
			g_string_append_printf(text, "  - %s (%s)\n", info->text, info->name);
	}
}

/* the engine's words by which it is recognised, wildcards as they are */
static void
append_evidence(GString *text, RescueFailure failure)
{
	size_t n = 0;
	const char *pattern;
	while ((pattern = rescue_transcript_pattern(failure, n)) != NULL) {
		g_string_append_printf(
		    text, "%s  - %s\n",
		    n == 0 ? "  words of the engine, * and # stand for anything and a number\n"
			   : "",
		    pattern);
		n++;
	}
	if (n == 0)
		g_string_append(
		    text,
		    "  no words of the engine: a check of ours, or how device and engine behave\n");
}

static void
append_seen_as(GString *text, const RescueFailureInfo *info, RescueFailure failure,
	       const RescueReading *reading)
{
	g_string_append(text, "\n\nseen as\n  ");
	if (reading != NULL) {
		g_autofree char *name = rescue_code_format(reading->domain, reading->value);
		const RescueCode *code = reading->code;
		g_string_append_printf(text, "%s%s%s (%s); also ", name,
				       code != NULL && code->symbol != NULL ? " " : "",
				       code != NULL && code->symbol != NULL ? code->symbol : "",
				       rescue_domain_text(reading->domain));
	}
	append_codes(text, failure, reading != NULL ? reading->code : NULL);
	if (info->phase != RESCUE_PHASE_UNKNOWN)
		g_string_append_printf(text, "; usually while %s", rescue_phase_text(info->phase));
}

static const char *
said_by(const RescueReading *reading)
{
	if (reading == NULL)
		return NULL;
	return reading->code != NULL ? reading->code->means : reading->window->text;
}

static void
append_means(GString *text, const RescueFailureInfo *info, const RescueReading *reading)
{
	const char *own = said_by(reading);
	g_string_append(text, "\n\nmeans\n");
	if (own != NULL)
		g_string_append_printf(text, "  %s\n", own);
	g_string_append_printf(text, "  %s%s\n  kind of cause: ", own != NULL ? "in general: " : "",
			       info->means);
	append_categories(text, info);
	const RescueCode *code = reading != NULL ? reading->code : NULL;
	for (size_t i = 0; code != NULL && i < G_N_ELEMENTS(code->apple); i++) {
		if (code->apple[i] != RESCUE_CATEGORY_LAST)
			g_string_append_printf(text, "%s%s",
					       i == 0 ? "\n  Apple lists the number under: " : ", ",
					       rescue_category_text(code->apple[i]));
	}
}

static void
append_sources(GString *text, const RescueReading *reading)
{
	const char *source;
	if (reading->code == NULL) {
		g_string_append(
		    text, "  a rule for such numbers, no list has this one; confidence low\n");
		return;
	}
	g_string_append_printf(text, "  what the number means is known with %s confidence from\n",
			       rescue_confidence_name(reading->code->confidence));
	for (size_t i = 0; (source = rescue_code_source(reading->code, i)) != NULL; i++)
		g_string_append_printf(text, "  - %s\n", source);
}

static char *
explain(RescueFailure failure, const RescueReading *reading)
{
	const RescueFailureInfo *info = rescue_failure_info(failure);
	const RescueCode *code = reading != NULL ? reading->code : NULL;
	const char *first = code != NULL ? rescue_code_first_try(code) : NULL;
	GString *text = g_string_new(info->name);
	append_seen_as(text, info, failure, reading);
	append_means(text, info, reading);
	g_string_append(text, "\n\nwe do\n");
	append_remedies(text, failure, true);
	g_string_append_printf(text, "  retry: %s\n\nyou do\n", rescue_retry_name(info->retry));
	if (first != NULL)
		g_string_append_printf(text, "  with this number first: %s\n", first);
	g_string_append_printf(text, "  %s\n", info->advice);
	append_remedies(text, failure, false);
	g_string_append(text, "\nevidence\n");
	if (reading != NULL)
		append_sources(text, reading);
	append_evidence(text, failure);
	return g_string_free(text, FALSE);
}

char *
rescue_explain_text(RescueFailure failure)
{
	return explain(failure, NULL);
}

char *
rescue_explain_reading_text(const RescueReading *reading)
{
	return explain(reading->failure, reading);
}

static RescueJson *
codes_json(RescueFailure failure)
{
	RescueJson *array = rescue_json_array_new();
	const RescueCode *code;
	for (size_t i = 0; (code = rescue_failure_code(failure, i)) != NULL; i++) {
		RescueJson *object = rescue_json_object_new();
		rescue_json_set_string(object, "domain", code->domain);
		rescue_json_set_int(object, "value", code->value);
		rescue_json_append_take(array, object);
	}
	return array;
}

static RescueJson *
documented_json(const RescueFailureInfo *info)
{
	RescueJson *array = rescue_json_array_new();
	for (size_t i = 0; i < G_N_ELEMENTS(info->documented); i++) {
		if (info->documented[i] != RESCUE_CATEGORY_LAST)
			rescue_json_append_string(array, rescue_category_name(info->documented[i]));
	}
	return array;
}

RescueJson *
rescue_explain_json(RescueFailure failure)
{
	const RescueFailureInfo *info = rescue_failure_info(failure);
	RescueJson *object = rescue_json_object_new();
	rescue_json_set_int(object, "v", 1);
	rescue_json_set_string(object, "failure", info->name);
	rescue_json_set_string(object, "phase", rescue_phase_name(info->phase));
	rescue_json_set_string(object, "category", rescue_category_name(info->category));
	rescue_json_take(object, "documented", documented_json(info));
	rescue_json_take(object, "codes", codes_json(failure));
	rescue_json_set_string(object, "retry", rescue_retry_name(info->retry));
	rescue_json_set_string(object, "means", info->means);
	rescue_json_set_string(object, "advice", info->advice);
	rescue_json_take(object, "remedies", rescue_remedy_ladder_json(failure));
	return object;
}
