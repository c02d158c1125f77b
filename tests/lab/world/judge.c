/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/judge.h"

#include <jansson.h>
#include <string.h>

enum { COMM_SIZE = 15 }; /* the kernel keeps so much of a program's name */

static const char engine_name[] = "idevicerestore";

/** What the record says about one phone. */
typedef struct {
	unsigned erased, uploads, modes, resets, commands;
	char *first_mode, *mode, *port;
	bool left_mode;
	char *build;         /* the last one that booted */
	GHashTable *openers; /* names of processes */
	GArray *engines;     /* pids of engines in the order of first sight */
	unsigned overlap;    /* most engines that took turns at it */
} Tally;

struct LabJudge {
	const LabScenario *scenario;
	const char *path;
	gsize read_bytes;
	unsigned fired;
	GHashTable *tallies; /* phone → Tally */
};

static void
tally_free(void *data)
{
	Tally *tally = data;
	g_free(tally->first_mode);
	g_free(tally->mode);
	g_free(tally->port);
	g_free(tally->build);
	g_hash_table_unref(tally->openers);
	g_array_unref(tally->engines);
	g_free(tally);
}

static Tally *
tally_of(const LabJudge *judge, const char *phone)
{
	Tally *tally = g_hash_table_lookup(judge->tallies, phone);
	if (tally == NULL) {
		tally = g_new0(Tally, 1);
		tally->openers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
		tally->engines = g_array_new(FALSE, FALSE, sizeof(json_int_t));
		g_hash_table_insert(judge->tallies, g_strdup(phone), tally);
	}
	return tally;
}

/* ---- the record ------------------------------------------------------------------------------- */

static const char *
text(json_t *event, const char *key)
{
	const char *value = json_string_value(json_object_get(event, key));
	return value != NULL ? value : "";
}

/*
 * Engines work one after the other when no engine is seen again behind a later one: a, a, b, b is fine, a, b, a is
 * two at a time.
 */
static void
note_engine(Tally *tally, json_int_t pid)
{
	for (guint i = 0; i < tally->engines->len; i++) {
		if (g_array_index(tally->engines, json_int_t, i) == pid) {
			tally->overlap = MAX(tally->overlap, tally->engines->len - i);
			return;
		}
	}
	g_array_append_val(tally->engines, pid);
	tally->overlap = MAX(tally->overlap, 1);
}

static void
note_process(Tally *tally, json_t *event)
{
	const char *comm = text(event, "comm");
	if (comm[0] == '\0')
		return;
	g_hash_table_add(tally->openers, g_strdup(comm));
	if (strcmp(comm, engine_name) == 0)
		note_engine(tally, json_integer_value(json_object_get(event, "pid")));
}

static void
count_mode(Tally *tally, json_t *event)
{
	tally->modes++;
	g_free(tally->mode);
	tally->mode = g_strdup(text(event, "mode"));
	if (tally->first_mode == NULL)
		tally->first_mode = g_strdup(tally->mode);
	tally->left_mode |= strcmp(tally->mode, lab_mode_name(LAB_MODE_OFF)) != 0 &&
			    strcmp(tally->mode, tally->first_mode) != 0;
	g_free(tally->port);
	tally->port = g_strdup(text(event, "port"));
}

static void
count_reset(Tally *tally, json_t *event)
{
	tally->resets++;
}

/* who asks for a variable changes nothing */
static void
count_control(Tally *tally, json_t *event)
{
	if (!g_str_has_prefix(text(event, "command"), "getenv"))
		tally->commands++;
}

static void
count_booted(Tally *tally, json_t *event)
{
	g_free(tally->build);
	tally->build = g_strdup(text(event, "build"));
}

static void
count_erased(Tally *tally, json_t *event)
{
	tally->erased++;
}

static void
count_upload(Tally *tally, json_t *event)
{
	tally->uploads++;
}

static const struct {
	const char *event;
	void (*count)(Tally *tally, json_t *event);
} counters[] = {
	{ "mode", count_mode },      { "booted", count_booted },   { "erased", count_erased },
	{ "reset", count_reset },    { "upload", count_upload },   { "open", note_process },
	{ "session", note_process }, { "control", count_control },
};

static void
read_event(LabJudge *judge, json_t *event)
{
	const char *name = text(event, "event");
	const char *phone = text(event, "phone");
	if (strcmp(name, "fault") == 0)
		judge->fired++;
	if (phone[0] == '\0')
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(counters); i++) {
		if (strcmp(counters[i].event, name) == 0)
			counters[i].count(tally_of(judge, phone), event);
	}
}

void
lab_judge_read(LabJudge *judge)
{
	g_autofree char *content = NULL;
	gsize size = 0;
	if (!g_file_get_contents(judge->path, &content, &size, NULL))
		return;
	const char *line = content + judge->read_bytes;
	for (const char *end = strchr(line, '\n'); end != NULL; end = strchr(line, '\n')) {
		json_t *event = json_loadb(line, (size_t)(end - line), 0, NULL);
		if (event != NULL)
			read_event(judge, event);
		json_decref(event);
		line = end + 1;
	}
	judge->read_bytes = (gsize)(line - content);
}

/* ---- expectations ----------------------------------------------------------------------------- */

/* NULL when it is met, else what was found instead; caller frees */
typedef char *(*Check)(const LabJudge *judge, const LabExpect *expect, const LabOutcome *outcome);

static char *
compare_number(unsigned wanted, unsigned found)
{
	return wanted == found ? NULL : g_strdup_printf("it was %u", found);
}

static char *
check_exit(const LabJudge *judge, const LabExpect *expect, const LabOutcome *outcome)
{
	return compare_number(expect->number, (unsigned)outcome->exit_status);
}

static char *
check_booted(const LabJudge *judge, const LabExpect *expect, const LabOutcome *outcome)
{
	const Tally *tally = tally_of(judge, expect->phone);
	if (g_strcmp0(tally->build, expect->text) == 0)
		return NULL;
	return g_strdup_printf("it has booted %s", tally->build != NULL ? tally->build : "nothing");
}

static char *
check_erased(const LabJudge *judge, const LabExpect *expect, const LabOutcome *outcome)
{
	return compare_number(expect->number, tally_of(judge, expect->phone)->erased);
}

static char *
check_mode(const LabJudge *judge, const LabExpect *expect, const LabOutcome *outcome)
{
	const Tally *tally = tally_of(judge, expect->phone);
	if (g_strcmp0(tally->mode, lab_mode_name(expect->mode)) == 0)
		return NULL;
	return g_strdup_printf("it is in mode %s", tally->mode != NULL ? tally->mode : "off");
}

static char *
check_port(const LabJudge *judge, const LabExpect *expect, const LabOutcome *outcome)
{
	const char *port = tally_of(judge, expect->phone)->port;
	if (g_strcmp0(port, expect->text) == 0)
		return NULL;
	return g_strdup_printf("it was %s", port != NULL ? port : "on none");
}

static char *
check_reset(const LabJudge *judge, const LabExpect *expect, const LabOutcome *outcome)
{
	return compare_number(expect->number, tally_of(judge, expect->phone)->resets);
}

static char *
check_uploads(const LabJudge *judge, const LabExpect *expect, const LabOutcome *outcome)
{
	return compare_number(expect->number, tally_of(judge, expect->phone)->uploads);
}

static char *
check_untouched(const LabJudge *judge, const LabExpect *expect, const LabOutcome *outcome)
{
	const Tally *tally = tally_of(judge, expect->phone);
	if (tally->erased == 0 && tally->uploads == 0 && tally->modes <= 1)
		return NULL;
	return g_strdup_printf(
	    "it was erased %u times, sent %u files and changed its mode %u times", tally->erased,
	    tally->uploads, tally->modes > 0 ? tally->modes - 1 : 0);
}

static char *
check_fired(const LabJudge *judge, const LabExpect *expect, const LabOutcome *outcome)
{
	return compare_number(expect->number, judge->fired);
}

static bool
is_allowed(char **allowed, const char *comm)
{
	for (; *allowed != NULL; allowed++) {
		if (strncmp(g_strstrip(*allowed), comm, COMM_SIZE) == 0)
			return true;
	}
	return false;
}

static char *
check_opened_by(const LabJudge *judge, const LabExpect *expect, const LabOutcome *outcome)
{
	g_auto(GStrv) allowed = g_strsplit(expect->text, ",", -1);
	GHashTableIter iter;
	gpointer comm = NULL;
	g_hash_table_iter_init(&iter, tally_of(judge, expect->phone)->openers);
	while (g_hash_table_iter_next(&iter, &comm, NULL)) {
		if (!is_allowed(allowed, comm))
			return g_strdup_printf("%s opened it too", (const char *)comm);
	}
	return NULL;
}

static char *
check_engines(const LabJudge *judge, const LabExpect *expect, const LabOutcome *outcome)
{
	unsigned overlap = tally_of(judge, expect->phone)->overlap;
	return overlap <= expect->number ? NULL : g_strdup_printf("there were %u", overlap);
}

static char *
check_output(const char *path, const char *wanted)
{
	g_autofree char *content = NULL;
	gsize size = 0;
	if (g_file_get_contents(path, &content, &size, NULL) &&
	    memmem(content, size, wanted, strlen(wanted)) != NULL)
		return NULL;
	return g_strdup("it does not");
}

static char *
check_stdout(const LabJudge *judge, const LabExpect *expect, const LabOutcome *outcome)
{
	return check_output(outcome->stdout_path, expect->text);
}

static char *
check_stderr(const LabJudge *judge, const LabExpect *expect, const LabOutcome *outcome)
{
	return check_output(outcome->stderr_path, expect->text);
}

static bool
is_failure(json_t *event, const LabExpect *expect)
{
	return strcmp(text(event, "event"), "failure") == 0 &&
	       strcmp(text(event, "phase"), expect->text) == 0 &&
	       strcmp(text(event, "category"), expect->category) == 0;
}

/* "nor usb, confirm device-state": what failed instead */
static void
note_failure(GString *found, json_t *event)
{
	if (strcmp(text(event, "event"), "failure") != 0)
		return;
	g_string_append_printf(found, "%s%s %s", found->len > 0 ? ", " : "", text(event, "phase"),
			       text(event, "category"));
}

static char *
check_failure(const LabJudge *judge, const LabExpect *expect, const LabOutcome *outcome)
{
	g_autofree char *content = NULL;
	g_autoptr(GString) found = g_string_new(NULL);
	if (!g_file_get_contents(outcome->events_path, &content, NULL, NULL))
		return g_strdup("there are no events in $LAB_DIR/events");
	g_auto(GStrv) lines = g_strsplit(content, "\n", -1);
	bool met = false;
	for (char **line = lines; *line != NULL; line++) {
		json_t *event = json_loads(*line, 0, NULL);
		met |= is_failure(event, expect);
		note_failure(found, event);
		json_decref(event);
	}
	return met ? NULL : g_strdup_printf("it was %s", found->len > 0 ? found->str : "none");
}

/* the last word of the job, when it was not restored */
static char *
check_advice(const LabJudge *judge, const LabExpect *expect, const LabOutcome *outcome)
{
	g_autofree char *content = NULL;
	if (!g_file_get_contents(outcome->events_path, &content, NULL, NULL))
		return g_strdup("there are no events in $LAB_DIR/events");
	char *last = strrchr(g_strchomp(content), '\n');
	json_t *event = json_loads(last != NULL ? last + 1 : content, 0, NULL);
	g_autofree char *advice = g_strdup(text(event, "advice"));
	json_decref(event);
	if (strstr(advice, expect->text) != NULL)
		return NULL;
	return g_strdup_printf("it was ‘%s’", advice);
}

static const Check checks[] = {
	[LAB_EXPECT_EXIT] = check_exit,           [LAB_EXPECT_BOOTED] = check_booted,
	[LAB_EXPECT_ERASED] = check_erased,       [LAB_EXPECT_MODE] = check_mode,
	[LAB_EXPECT_UNTOUCHED] = check_untouched, [LAB_EXPECT_FIRED] = check_fired,
	[LAB_EXPECT_OPENED_BY] = check_opened_by, [LAB_EXPECT_ENGINES] = check_engines,
	[LAB_EXPECT_RESET] = check_reset,         [LAB_EXPECT_PORT] = check_port,
	[LAB_EXPECT_STDOUT_HAS] = check_stdout,   [LAB_EXPECT_STDERR_HAS] = check_stderr,
	[LAB_EXPECT_UPLOADS] = check_uploads,     [LAB_EXPECT_FAILURE] = check_failure,
	[LAB_EXPECT_ADVICE] = check_advice,
};

LabJudge *
lab_judge_new(const LabScenario *scenario, const char *record_path)
{
	LabJudge *judge = g_new0(LabJudge, 1);
	judge->scenario = scenario;
	judge->path = record_path;
	judge->tallies = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, tally_free);
	return judge;
}

void
lab_judge_free(LabJudge *judge)
{
	if (judge == NULL)
		return;
	g_hash_table_unref(judge->tallies);
	g_free(judge);
}

void
lab_judge_tell(const LabJudge *judge, const char *phone, LabTold *ret_told)
{
	const Tally *tally = tally_of(judge, phone);
	*ret_told = (LabTold){ .erased = tally->erased,
			       .uploads = tally->uploads,
			       .resets = tally->resets,
			       .commands = tally->commands,
			       .engines = tally->overlap,
			       .left_mode = tally->left_mode,
			       .mode = tally->mode,
			       .build = tally->build };
}

const LabScenario *
lab_judge_scenario(const LabJudge *judge)
{
	return judge->scenario;
}

unsigned
lab_judge_erased(const LabJudge *judge, const char *phone)
{
	return tally_of(judge, phone)->erased;
}

bool
lab_judge_is_waiting(const LabJudge *judge)
{
	for (guint i = 0; i < judge->scenario->expects->len; i++) {
		const LabExpect *expect = g_ptr_array_index(judge->scenario->expects, i);
		if (expect->kind != LAB_EXPECT_BOOTED && expect->kind != LAB_EXPECT_MODE &&
		    expect->kind != LAB_EXPECT_PORT)
			continue;
		g_autofree char *found = checks[expect->kind](judge, expect, NULL);
		if (found != NULL)
			return true;
	}
	return false;
}

GPtrArray *
lab_judge_verdict(const LabJudge *judge, const LabOutcome *outcome)
{
	GPtrArray *unmet = g_ptr_array_new_with_free_func(g_free);
	bool says_exit = false;
	for (guint i = 0; i < judge->scenario->expects->len; i++) {
		const LabExpect *expect = g_ptr_array_index(judge->scenario->expects, i);
		says_exit |= expect->kind == LAB_EXPECT_EXIT;
		g_autofree char *found = checks[expect->kind](judge, expect, outcome);
		if (found != NULL)
			g_ptr_array_add(unmet,
					g_strdup_printf("%s: but %s", expect->source, found));
	}
	if (!says_exit && outcome->exit_status != 0)
		g_ptr_array_add(unmet,
				g_strdup_printf("expect exit 0, for want of another: but it was %d",
						outcome->exit_status));
	return unmet;
}
