/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/report.h"

#include <stdbool.h>

#include "cli/common/progress.h"
#include "core/base/parse.h"
#include "core/failure/failure.h"

struct RescueReport {
	RescueJson *job, *done;     /* their events, or NULL */
	RescueJson *before, *after; /* what the device said of its owner, or NULL */
	char *record;
	char *product, *mode; /* as last seen */
	int64_t attempt;      /* the engine run that the next failure belongs to */
	GPtrArray *lines;     /* char *: failures, and below each what was changed */
	unsigned failures;
	bool timed; /* attempts are told, and the time of each line */
};

RescueReport *
rescue_report_new(void)
{
	RescueReport *report = g_new0(RescueReport, 1);

	report->lines = g_ptr_array_new_with_free_func(g_free);
	return report;
}

void
rescue_report_show_times(RescueReport *report)
{
	report->timed = true;
}

void
rescue_report_free(RescueReport *report)
{
	if (report == NULL)
		return;
	rescue_json_free(report->job);
	rescue_json_free(report->done);
	rescue_json_free(report->before);
	rescue_json_free(report->after);
	g_free(report->record);
	g_free(report->product);
	g_free(report->mode);
	g_ptr_array_unref(report->lines);
	g_free(report);
}

static void
keep(RescueJson **slot, const RescueJson *event)
{
	rescue_json_free(*slot);
	*slot = rescue_json_copy(event);
}

/* takes `line`; with times, what belongs to the line before stands below it */
static void
add_line(RescueReport *report, const RescueJson *event, char *line)
{
	const char *ts = event != NULL ? rescue_json_get_string(event, "ts") : "";

	if (!report->timed) {
		g_ptr_array_add(report->lines, line);
		return;
	}
	g_ptr_array_add(report->lines, g_strdup_printf("%-24s  %s", ts != NULL ? ts : "", line));
	g_free(line);
}

static void
feed_job(RescueReport *report, const RescueJson *event)
{
	keep(&report->job, event);
}

static void
feed_facts(RescueReport *report, const RescueJson *event)
{
	bool before = g_strcmp0(rescue_json_get_string(event, "when"), "before") == 0;

	keep(before ? &report->before : &report->after, event);
}

static void
feed_done(RescueReport *report, const RescueJson *event)
{
	keep(&report->done, event);
}

static void
feed_device(RescueReport *report, const RescueJson *event)
{
	const char *product = rescue_json_get_string(event, "product");

	if (product != NULL) {
		g_free(report->product);
		report->product = g_strdup(product);
	}
	g_free(report->mode);
	report->mode = g_strdup(rescue_json_get_string(event, "mode"));
}

static void
feed_attempt(RescueReport *report, const RescueJson *event)
{
	const char *outcome = rescue_json_get_string(event, "outcome");
	const char *engine = rescue_json_get_string(event, "engine");

	(void)rescue_json_get_int(event, "number", &report->attempt);
	if (report->timed)
		add_line(report, event,
			 g_strdup_printf("attempt %d%s%s: %s", (int)report->attempt,
					 engine != NULL ? " with idevicerestore " : "",
					 engine != NULL ? engine : "",
					 outcome != NULL ? outcome : "begun"));
}

static void
feed_failure(RescueReport *report, const RescueJson *event)
{
	g_autofree char *name = rescue_failure_sentence(event);
	g_autofree char *when = report->attempt > 0
				    ? g_strdup_printf("attempt %d", (int)report->attempt)
				    : g_strdup("before the first attempt");
	const char *text = rescue_json_get_string(event, "text");

	add_line(report, event, g_strdup_printf("%u. %s: %s", ++report->failures, when, name));
	if (text != NULL)
		add_line(report, NULL, g_strdup_printf("   %s", text));
}

/* told once it has ended: then it is known whether it changed anything */
static void
feed_remedy(RescueReport *report, const RescueJson *event)
{
	bool failed = g_strcmp0(rescue_json_get_string(event, "outcome"), "no-effect") == 0;
	const char *text = rescue_json_get_string(event, "text");
	const char *did = rescue_json_get_string(event, "did");
	const char *name = rescue_json_get_string(event, "name");

	if (g_strcmp0(rescue_json_get_string(event, "state"), "end") != 0 ||
	    (did == NULL && text == NULL && name == NULL))
		return;
	if (did == NULL) /* a journal of former times */
		did = text != NULL ? text : name;
	add_line(report, event,
		 g_strdup_printf("   then: %s%s", did, failed ? ", without effect" : ""));
}

static const struct {
	const char *name;
	void (*feed)(RescueReport *report, const RescueJson *event);
} feeds[] = {
	{ "job", feed_job },         { "device", feed_device }, { "attempt", feed_attempt },
	{ "failure", feed_failure }, { "remedy", feed_remedy }, { "done", feed_done },
	{ "facts", feed_facts },
};

void
rescue_report_feed(RescueReport *report, const RescueJson *event)
{
	const char *name = rescue_json_get_string(event, "event");
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(feeds); i++) {
		if (g_strcmp0(feeds[i].name, name) == 0)
			feeds[i].feed(report, event);
	}
}

void
rescue_report_set_record(RescueReport *report, const char *path)
{
	g_free(report->record);
	report->record = g_strdup(path);
}

const RescueJson *
rescue_report_done(const RescueReport *report)
{
	return report->done;
}

const char *
rescue_report_outcome(const RescueReport *report)
{
	const char *outcome = report->done != NULL ? rescue_json_get_string(report->done, "outcome")
						   : NULL;

	return outcome != NULL ? outcome : "unfinished";
}

static void
append_head(const RescueReport *report, GString *text)
{
	const RescueJson *any = report->done != NULL ? report->done : report->job;
	const char *ecid = any != NULL ? rescue_json_get_string(any, "ecid") : NULL;
	const char *version = report->done != NULL ? rescue_json_get_string(report->done, "version")
						   : NULL;
	const char *build = report->done != NULL ? rescue_json_get_string(report->done, "build")
						 : NULL;

	g_string_append_printf(text, "%s %s: %s",
			       report->product != NULL ? report->product : "device",
			       ecid != NULL ? ecid : "", rescue_report_outcome(report));
	if (build != NULL)
		g_string_append_printf(text, ", it runs %s (%s)",
				       version != NULL ? version : "a build", build);
	g_string_append_c(text, '\n');
}

static const char *
fact(const RescueJson *facts, const char *key)
{
	const char *value = rescue_json_get_string(facts, key);

	return value != NULL ? value : "unknown";
}

static void
append_owner(const RescueReport *report, GString *text)
{
	const RescueJson *now = report->after;
	const char *find_my = now != NULL ? fact(now, "find_my") : "unknown";
	const char *was = report->before != NULL ? fact(report->before, "find_my") : "unknown";

	if (now == NULL)
		return;
	g_string_append_printf(text, "activation: %s, Find My: %s, activation lock: %s",
			       fact(now, "activation_state"), find_my,
			       fact(now, "activation_lock"));
	if (rescue_json_get_string(now, "why") != NULL)
		g_string_append_printf(text, " (%s)", fact(now, "why"));
	if (g_strcmp0(was, find_my) != 0)
		g_string_append_printf(text, "; Find My was %s before", was);
	g_string_append_c(text, '\n');
}

static void
append_totals(const RescueReport *report, GString *text)
{
	int64_t attempts = 0;
	double seconds = 0;
	g_autofree char *duration = NULL;
	const char *data = rescue_json_get_string(report->done, "data");

	(void)rescue_json_get_int(report->done, "attempts", &attempts);
	(void)rescue_json_get_real(report->done, "seconds", &seconds);
	duration = rescue_format_duration((int64_t)(seconds * 1000));
	g_string_append_printf(text, "attempts: %d, failures: %u, time: %s, data: %s\n",
			       (int)attempts, report->failures, duration,
			       data != NULL ? data : "unknown");
}

static void
append_advice(const RescueReport *report, GString *text)
{
	const char *advice = rescue_json_get_string(report->done, "advice");
	const char *name = rescue_json_get_string(report->done, "failure");
	RescueFailure failure;

	if (advice == NULL && name != NULL &&
	    g_strcmp0(rescue_report_outcome(report), "restored") != 0 &&
	    rescue_failure_parse(name, &failure))
		advice = rescue_failure_info(failure)->advice;
	if (advice != NULL)
		g_string_append_printf(text, "what to do: %s\n", advice);
}

char *
rescue_report_format(const RescueReport *report)
{
	GString *text = g_string_new(NULL);
	const char *ipsw = report->job != NULL ? rescue_json_get_string(report->job, "ipsw") : NULL;
	const char *behavior = report->job != NULL ? rescue_json_get_string(report->job, "behavior")
						   : NULL;
	unsigned i;

	append_head(report, text);
	if (ipsw == NULL && report->job != NULL)
		ipsw = rescue_json_get_string(report->job, "want");
	if (ipsw != NULL)
		g_string_append_printf(text, "firmware: %s (%s)\n", ipsw,
				       behavior != NULL ? behavior : "?");
	for (i = 0; i < report->lines->len; i++)
		g_string_append_printf(text, "%s\n", (const char *)report->lines->pdata[i]);
	if (report->done == NULL)
		return g_string_free(text, FALSE);
	append_owner(report, text);
	append_totals(report, text);
	append_advice(report, text);
	if (report->record != NULL)
		g_string_append_printf(text, "record: %s\n", report->record);
	return g_string_free(text, FALSE);
}
