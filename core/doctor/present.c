/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/doctor/findings.h"

static RescueJson *
texts_to_json(const GPtrArray *texts)
{
	RescueJson *array = rescue_json_array_new();

	for (guint i = 0; i < texts->len; i++)
		rescue_json_append_string(array, texts->pdata[i]);
	return array;
}

static RescueJson *
finding_to_json(const RescueFinding *finding)
{
	const RescueFindingInfo *info = rescue_finding_info(finding->id);
	const RescueFailureInfo *failure = rescue_failure_info(info->failure);
	RescueJson *object = rescue_json_object_new();

	rescue_json_set_string(object, "name", info->name);
	rescue_json_set_string(object, "part", rescue_part_name(info->part));
	rescue_json_set_string(object, "severity", rescue_severity_name(info->severity));
	rescue_json_set_string(object, "failure", failure->name);
	rescue_json_set_string(object, "category", rescue_category_name(failure->category));
	rescue_json_set_string(object, "text", info->means);
	rescue_json_set_string(object, "advice", info->advice);
	rescue_json_take(object, "details", texts_to_json(finding->details));
	return object;
}

RescueJson *
rescue_findings_to_json(RescueFindings *report)
{
	const GPtrArray *findings = rescue_findings_list(report);
	RescueJson *object = rescue_json_object_new();
	RescueJson *array = rescue_json_array_new();

	for (guint i = 0; i < findings->len; i++)
		rescue_json_append_take(array, finding_to_json(findings->pdata[i]));
	rescue_json_set_int(object, "v", 1);
	rescue_json_set_bool(object, "breaks", rescue_findings_breaks(report));
	rescue_json_take(object, "findings", array);
	rescue_json_take(object, "passed", texts_to_json(rescue_findings_passed(report)));
	rescue_json_take(object, "skipped", texts_to_json(rescue_findings_skipped(report)));
	return object;
}

static void
append_finding(GString *text, const RescueFinding *finding)
{
	const RescueFindingInfo *info = rescue_finding_info(finding->id);

	g_string_append_printf(text, "%-6s  %s: %s\n", rescue_severity_name(info->severity),
			       info->name, info->means);
	for (guint i = 0; i < finding->details->len; i++)
		g_string_append_printf(text, "        - %s\n",
				       (const char *)finding->details->pdata[i]);
	g_string_append_printf(text, "        what to do: %s\n        it causes: %s\n",
			       info->advice, rescue_failure_info(info->failure)->name);
}

static void
append_texts(GString *text, const char *word, const GPtrArray *texts)
{
	for (guint i = 0; i < texts->len; i++)
		g_string_append_printf(text, "%-6s  %s\n", word, (const char *)texts->pdata[i]);
}

static unsigned
count_severity(const GPtrArray *findings, RescueSeverity severity)
{
	unsigned count = 0;

	for (guint i = 0; i < findings->len; i++) {
		const RescueFinding *finding = findings->pdata[i];
		count += rescue_finding_info(finding->id)->severity == severity;
	}
	return count;
}

char *
rescue_findings_to_text(RescueFindings *report, bool verbose)
{
	const GPtrArray *findings = rescue_findings_list(report);
	unsigned breaks = count_severity(findings, RESCUE_SEVERITY_BREAKS);
	unsigned may = count_severity(findings, RESCUE_SEVERITY_MAY);
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < findings->len; i++)
		append_finding(text, findings->pdata[i]);
	append_texts(text, "unseen", rescue_findings_skipped(report));
	if (verbose)
		append_texts(text, "fine", rescue_findings_passed(report));
	if (breaks > 0)
		g_string_append_printf(text, "%u %s would break a restore, %u may\n", breaks,
				       breaks == 1 ? "thing" : "things", may);
	else
		g_string_append_printf(text,
				       "nothing here would break a restore, %u may; %u checks "
				       "found nothing\n",
				       may, rescue_findings_passed(report)->len);
	return g_string_free(text, FALSE);
}

char *
rescue_findings_table(void)
{
	GString *text = g_string_new("| finding | part | severity | causes | means | what to do |\n"
				     "|---|---|---|---|---|---|\n");

	for (RescueFindingId id = 0; id < RESCUE_FINDING_LAST; id++) {
		const RescueFindingInfo *info = rescue_finding_info(id);
		g_string_append_printf(text, "| `%s` | %s | %s | `%s` | %s | %s |\n", info->name,
				       rescue_part_name(info->part),
				       rescue_severity_name(info->severity),
				       rescue_failure_info(info->failure)->name, info->means,
				       info->advice);
	}
	return g_string_free(text, FALSE);
}
