/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/rules.h"

#include <jansson.h>
#include <string.h>

#define JOBS "state/idevicerescue/jobs"

/* The command, and where breaches go. */
typedef struct {
	const LabJudge *judge;
	const LabScenario *scenario;
	const LabOutcome *outcome;
	char *text; /* the words, with spaces between them */
	GPtrArray *breaches;
} Rules;

static void breach(const Rules *rules, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
breach(const Rules *rules, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_ptr_array_add(rules->breaches, g_strdup_vprintf(format, arguments));
	va_end(arguments);
}

/* ---- phones ----------------------------------------------------------------------------------- */

/* by its ECID, or because there is no other */
static bool
is_named(const Rules *rules, const LabPhoneSpec *phone)
{
	g_autofree char *ecid = g_strdup_printf("%016" G_GINT64_MODIFIER "x", phone->id.ecid);
	g_autofree char *lower = g_ascii_strdown(rules->text, -1);
	return rules->scenario->phones->len == 1 || strstr(lower, ecid) != NULL;
}

static bool
expects_erased(const LabScenario *scenario, const char *phone)
{
	for (guint i = 0; i < scenario->expects->len; i++) {
		const LabExpect *expect = g_ptr_array_index(scenario->expects, i);
		if (expect->kind == LAB_EXPECT_ERASED && expect->number > 0 &&
		    strcmp(expect->phone, phone) == 0)
			return true;
	}
	return false;
}

static void
check_phone(const Rules *rules, const LabPhoneSpec *phone)
{
	const char *name = phone->id.name;
	LabTold told;
	lab_judge_tell(rules->judge, name, &told);
	if (told.engines > 1)
		breach(rules, "always: %u engines took turns at phone %s", told.engines, name);
	if (told.erased > 0 && strstr(rules->text, "--erase") == NULL &&
	    !expects_erased(rules->scenario, name))
		breach(rules, "always: phone %s was erased, and nobody consented to that", name);
	if (is_named(rules, phone))
		return;
	if (told.erased + told.uploads + told.resets + told.commands > 0 || told.left_mode)
		breach(rules,
		       "always: phone %s, which the command does not name, was touched: erased %u, "
		       "files %u, commands %u, resets %u",
		       name, told.erased, told.uploads, told.commands, told.resets);
}

/* ---- jobs ------------------------------------------------------------------------------------- */

static const char *
text(json_t *event, const char *key)
{
	const char *value = json_string_value(json_object_get(event, key));
	return value != NULL ? value : "";
}

/* the last whole line of a journal, without its checksum; NULL when there is none */
static json_t *
last_event(const char *path)
{
	g_autofree char *content = NULL;
	if (!g_file_get_contents(path, &content, NULL, NULL))
		return NULL;
	char *line = strrchr(g_strchomp(content), '\n');
	line = line != NULL ? line + 1 : content;
	line[strcspn(line, "\t")] = '\0';
	return json_loads(line, 0, NULL);
}

static const LabPhoneSpec *
phone_of(const Rules *rules, const char *ecid)
{
	guint64 number = g_ascii_strtoull(ecid, NULL, 16);
	for (guint i = 0; i < rules->scenario->phones->len; i++) {
		const LabPhoneSpec *phone = g_ptr_array_index(rules->scenario->phones, i);
		if (phone->id.ecid == number)
			return phone;
	}
	return NULL;
}

static void
check_restored(const Rules *rules, const char *job, json_t *done)
{
	const LabPhoneSpec *phone = phone_of(rules, text(done, "ecid"));
	LabTold told = { 0 };
	if (phone != NULL)
		lab_judge_tell(rules->judge, phone->id.name, &told);
	if (g_strcmp0(told.build, text(done, "build")) != 0 ||
	    g_strcmp0(told.mode, lab_mode_name(LAB_MODE_NORMAL)) != 0)
		breach(
		    rules,
		    "always: job %s says that it restored %s; its phone has booted %s, and is in "
		    "mode %s",
		    job, text(done, "build"), told.build != NULL ? told.build : "nothing",
		    told.mode != NULL ? told.mode : "off");
}

static void
check_status(const Rules *rules, const char *job, const char *outcome)
{
	static const struct {
		const char *outcome;
		int statuses[9];
	} ends[] = {
		{ "restored", { 0, -1 } },
		{ "dry-run", { 0, -1 } },
		{ "restored-unconfirmed", { 75, -1 } },
		{ "needs-operator", { 75, -1 } },
		{ "cancelled", { 130, -1 } },
		{ "gave-up", { 1, 2, 3, 10, 11, 12, 13, 14, -1 } },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
		if (strcmp(ends[i].outcome, outcome) != 0)
			continue;
		for (const int *status = ends[i].statuses; *status >= 0; status++) {
			if (*status == rules->outcome->exit_status)
				return;
		}
	}
	breach(rules, "always: job %s ended with ‘%s’, the command with status %d", job, outcome,
	       rules->outcome->exit_status);
}

/* a job that was killed before it had an engine has done nothing, and the next command begins another one */
static bool
was_killed_before(const Rules *rules, const char *path)
{
	g_autofree char *content = NULL;
	return strstr(rules->text, "idevicerescue-lab-killer") != NULL &&
	       g_file_get_contents(path, &content, NULL, NULL) &&
	       strstr(content, "\"event\":\"engine\"") == NULL;
}

static void
check_job(const Rules *rules, const char *jobs, const char *job, bool only)
{
	g_autofree char *path = g_build_filename(jobs, job, "journal", NULL);
	json_t *done = last_event(path);
	const char *outcome = text(done, "outcome");
	bool restored = strcmp(outcome, "restored") == 0;
	bool ended = strcmp(text(done, "event"), "done") == 0;
	if (!ended && !was_killed_before(rules, path))
		breach(rules, "always: job %s ends with ‘%s’, without a last word", job,
		       text(done, "event"));
	else if (restored)
		check_restored(rules, job, done);
	else if (strcmp(outcome, "gave-up") == 0 && text(done, "advice")[0] == '\0')
		breach(rules, "always: job %s gave up, and does not say what to do", job);
	/* what a script makes of it is its own business */
	if (ended && only && strcmp(rules->outcome->words[0], "idevicerescue") == 0)
		check_status(rules, job, outcome);
	json_decref(done);
}

static void
check_jobs(const Rules *rules)
{
	g_autofree char *path = g_build_filename(rules->outcome->dir, JOBS, NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	const char *name = NULL;
	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL)
		g_ptr_array_add(names, g_strdup(name));
	for (guint i = 0; i < names->len; i++)
		check_job(rules, path, g_ptr_array_index(names, i), names->len == 1);
}

/* ---- faults ----------------------------------------------------------------------------------- */

/* those of an engine happen in another process; and who verifies does not speak to a foreign signing server */
static bool
is_counted(const LabScenario *scenario, LabPoint at)
{
	return at != LAB_AT_ENGINE && !(at == LAB_AT_SIGNING && scenario->signing_foreign);
}

/* a scenario whose fault did not come about shows nothing */
static void
check_faults(const Rules *rules)
{
	for (int at = 0; at < LAB_AT_LAST; at++) {
		const LabFault *fault = NULL;
		for (unsigned i = 0;
		     (fault = lab_faults_at(rules->scenario->faults, (LabPoint)at, i)) != NULL;
		     i++) {
			if (fault->fired == 0 && is_counted(rules->scenario, (LabPoint)at))
				breach(rules, "always: the fault at %s never fired",
				       lab_point_name((LabPoint)at));
		}
	}
}

/* ---- the command ------------------------------------------------------------------------------ */

static bool
restores(const char *text)
{
	return g_regex_match_simple("(^|[\\s/'\"])idevicerescue(\\s+\\S+){0,6}?\\s+restore(\\s|$)",
				    text, 0, 0);
}

void
lab_rules_check(const LabJudge *judge, const LabOutcome *outcome, GPtrArray *breaches)
{
	g_autofree char *words = g_strjoinv(" ", outcome->words);
	const Rules rules = { .judge = judge,
			      .scenario = lab_judge_scenario(judge),
			      .outcome = outcome,
			      .text = words,
			      .breaches = breaches };
	if (!restores(words))
		return;
	for (guint i = 0; i < rules.scenario->phones->len; i++)
		check_phone(&rules, g_ptr_array_index(rules.scenario->phones, i));
	if (outcome->left)
		breach(&rules, "always: the command left processes that had to be killed");
	check_jobs(&rules);
	check_faults(&rules);
}
