/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/doctor/findings.h"

#include <string.h>

/* of one finding, and of the passed and the skipped ones: a broken collector cannot flood the answer */
#define MAX_DETAILS 32u
#define MAX_NOTES   128u

struct RescueFindings {
	GPtrArray *findings; /* RescueFinding */
	GPtrArray *passed, *skipped;
};

static void
finding_free(gpointer data)
{
	RescueFinding *finding = data;

	g_ptr_array_unref(finding->details);
	g_free(finding);
}

RescueFindings *
rescue_findings_new(void)
{
	RescueFindings *report = g_new0(RescueFindings, 1);

	report->findings = g_ptr_array_new_with_free_func(finding_free);
	report->passed = g_ptr_array_new_with_free_func(g_free);
	report->skipped = g_ptr_array_new_with_free_func(g_free);
	return report;
}

void
rescue_findings_free(RescueFindings *report)
{
	if (report == NULL)
		return;
	g_ptr_array_unref(report->findings);
	g_ptr_array_unref(report->passed);
	g_ptr_array_unref(report->skipped);
	g_free(report);
}

static RescueFinding *
look_up(const RescueFindings *report, RescueFindingId id)
{
	for (guint i = 0; i < report->findings->len; i++) {
		RescueFinding *finding = report->findings->pdata[i];
		if (finding->id == id)
			return finding;
	}
	return NULL;
}

static void
add_text(GPtrArray *texts, const char *text, unsigned most)
{
	if (text == NULL || *text == '\0' || texts->len >= most ||
	    g_ptr_array_find_with_equal_func(texts, text, g_str_equal, NULL))
		return;
	g_ptr_array_add(texts, g_strdup(text));
}

static void
add_finding(RescueFindings *report, RescueFindingId id, const char *detail)
{
	RescueFinding *finding = look_up(report, id);

	if (finding == NULL) {
		finding = g_new0(RescueFinding, 1);
		finding->id = id;
		finding->details = g_ptr_array_new_with_free_func(g_free);
		g_ptr_array_add(report->findings, finding);
	}
	add_text(finding->details, detail, MAX_DETAILS);
}

void
rescue_findings_find(RescueFindings *report, RescueFindingId id, const char *format, ...)
{
	g_autofree char *detail = NULL;
	va_list args;

	va_start(args, format);
	detail = g_strdup_vprintf(format, args);
	va_end(args);
	add_finding(report, id, detail);
}

void
rescue_findings_pass(RescueFindings *report, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	add_text(report->passed, text, MAX_NOTES);
}

void
rescue_findings_skip(RescueFindings *report, const char *what, const char *why)
{
	g_autofree char *text = g_strdup_printf("%s: %s", what, why);

	add_text(report->skipped, text, MAX_NOTES);
}

/* the table has them in the order in which people look */
static gint
compare(gconstpointer a, gconstpointer b)
{
	const RescueFinding *first = *(const RescueFinding *const *)a;
	const RescueFinding *second = *(const RescueFinding *const *)b;
	int severity = (int)rescue_finding_info(first->id)->severity -
		       (int)rescue_finding_info(second->id)->severity;

	return severity != 0 ? severity : (int)first->id - (int)second->id;
}

const GPtrArray *
rescue_findings_list(RescueFindings *report)
{
	g_ptr_array_sort(report->findings, compare);
	return report->findings;
}

const GPtrArray *
rescue_findings_passed(const RescueFindings *report)
{
	return report->passed;
}

const GPtrArray *
rescue_findings_skipped(const RescueFindings *report)
{
	return report->skipped;
}

bool
rescue_findings_breaks(const RescueFindings *report)
{
	for (guint i = 0; i < report->findings->len; i++) {
		const RescueFinding *finding = report->findings->pdata[i];
		if (rescue_finding_info(finding->id)->severity == RESCUE_SEVERITY_BREAKS)
			return true;
	}
	return false;
}

static void
append_line(GString *text, const char *key, const char *value, const char *detail)
{
	g_autoptr(RescueJson) object = rescue_json_object_new();
	g_autofree char *line = NULL;

	rescue_json_set_string(object, key, value);
	rescue_json_set_string(object, "detail", detail);
	line = rescue_json_dump(object);
	g_string_append_printf(text, "%s\n", line);
}

char *
rescue_findings_to_lines(RescueFindings *report)
{
	GString *text = g_string_new(NULL);
	const GPtrArray *findings = rescue_findings_list(report);

	for (guint i = 0; i < findings->len; i++) {
		const RescueFinding *finding = findings->pdata[i];
		const char *name = rescue_finding_info(finding->id)->name;
		for (guint k = 0; k < finding->details->len; k++)
			append_line(text, "finding", name, finding->details->pdata[k]);
	}
	for (guint i = 0; i < report->passed->len; i++)
		append_line(text, "passed", report->passed->pdata[i], NULL);
	for (guint i = 0; i < report->skipped->len; i++)
		append_line(text, "skipped", report->skipped->pdata[i], NULL);
	return g_string_free(text, FALSE);
}

bool
rescue_findings_add_line(RescueFindings *report, const char *line)
{
	g_autoptr(RescueJson) object = rescue_json_parse(line, strlen(line), NULL);
	RescueFindingId id;

	if (object == NULL)
		return false;
	if (rescue_finding_parse(rescue_json_get_string(object, "finding"), &id)) {
		add_finding(report, id, rescue_json_get_string(object, "detail"));
		return true;
	}
	add_text(report->passed, rescue_json_get_string(object, "passed"), MAX_NOTES);
	add_text(report->skipped, rescue_json_get_string(object, "skipped"), MAX_NOTES);
	return rescue_json_get(object, "passed") != NULL ||
	       rescue_json_get(object, "skipped") != NULL;
}
