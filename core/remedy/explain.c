/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/remedy/explain.h"

#include <string.h>

#include "core/base/error.h"
#include "core/failure/transcript.h"
#include "core/remedy/remedy.h"

#define QUOTED   64
#define HEX_FROM 0x10000 /* numbers of this size are known in hexadecimal */

/* "94", "-256", "0xE8000025" */
static bool
read_number(const char *text, int64_t *ret_value)
{
	guint64 value;
	gint64 negative;
	bool hex = g_str_has_prefix(text, "0x") || g_str_has_prefix(text, "0X");
	if (g_ascii_string_to_unsigned(hex ? text + 2 : text, hex ? 16 : 10, 0, G_MAXUINT32, &value,
				       NULL)) {
		*ret_value = (int64_t)value;
		return true;
	}
	if (!g_ascii_string_to_signed(text, 10, -G_MAXINT32, G_MAXINT32, &negative, NULL))
		return false;
	*ret_value = negative;
	return true;
}

static bool
find_by_number(const char *text, RescueFailure *ret_failure)
{
	int64_t value;
	if (read_number(text, &value))
		return rescue_failure_from_code(NULL, value, ret_failure);
	size_t n = strcspn(text, " :");
	const char *number = text + n + strspn(text + n, " :");
	g_autofree char *domain = g_ascii_strdown(text, (gssize)n);
	return read_number(number, &value) && rescue_failure_from_code(domain, value, ret_failure);
}

bool
rescue_explain_find(const char *text, RescueFailure *ret_failure, GError **error)
{
	g_autofree char *name = g_strstrip(g_utf8_make_valid(text, (gssize)strnlen(text, QUOTED)));
	if (rescue_failure_parse(name, ret_failure) || find_by_number(name, ret_failure))
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
		    "the catalogue knows no failure ‘%s’", name);
	return false;
}

static void
append_codes(GString *text, RescueFailure failure)
{
	const RescueCode *codes;
	size_t n = rescue_failure_codes(failure, &codes);
	for (size_t i = 0; i < n; i++) {
		const char *separator = i == 0 ? "" : ", ";
		if (codes[i].value >= HEX_FROM)
			g_string_append_printf(text, "%s%s 0x%" G_GINT64_MODIFIER "X", separator,
					       codes[i].domain, (guint64)codes[i].value);
		else
			g_string_append_printf(text, "%s%s %" G_GINT64_FORMAT, separator,
					       codes[i].domain, codes[i].value);
	}
	if (n == 0)
		g_string_append(text, "no number of its own");
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
		g_string_append_printf(text, "  - %s\n", pattern);
		n++;
	}
	if (n == 0)
		g_string_append(
		    text,
		    "  no words of the engine: a check of ours, or how device and engine behave\n");
}

char *
rescue_explain_text(RescueFailure failure)
{
	const RescueFailureInfo *info = rescue_failure_info(failure);
	GString *text = g_string_new(info->name);
	g_string_append(text, "\n\nseen as\n  ");
	append_codes(text, failure);
	if (info->phase != RESCUE_PHASE_UNKNOWN)
		g_string_append_printf(text, "; usually while %s", rescue_phase_text(info->phase));
	g_string_append_printf(text, "\n\nmeans\n  %s\n  kind of cause: ", info->means);
	append_categories(text, info);
	g_string_append(text, "\n\nwe do\n");
	append_remedies(text, failure, true);
	g_string_append_printf(text, "  retry: %s\n\nyou do\n  %s\n",
			       rescue_retry_name(info->retry), info->advice);
	append_remedies(text, failure, false);
	g_string_append(text, "\nevidence\n");
	append_evidence(text, failure);
	return g_string_free(text, FALSE);
}

static RescueJson *
codes_json(RescueFailure failure)
{
	RescueJson *array = rescue_json_array_new();
	const RescueCode *codes;
	size_t n = rescue_failure_codes(failure, &codes);
	for (size_t i = 0; i < n; i++) {
		RescueJson *object = rescue_json_object_new();
		rescue_json_set_string(object, "domain", codes[i].domain);
		rescue_json_set_int(object, "value", codes[i].value);
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
