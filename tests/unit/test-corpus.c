/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
/*
 * How well failures of real people are judged: their logs, one JSON object a line, with what somebody found who read
 * the whole thread. Prints rights and wrongs for each tool. Skipped without the file, which is not part of the project.
 */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/failure/evidence.h"
#include "core/failure/reader.h"

#define MAIN_TOOL "idevicerestore"

/* percent, for the main tool where the reader was sure enough */
#define WANTED_PHASE  88
#define WANTED_FIRST  80
#define WANTED_SECOND 90

typedef struct {
	guint total, known, phase, first, second;
} Score;

typedef struct {
	GHashTable *tools; /* name → Score */
	Score main;
	guint hopeless; /* known to be transient, and judged not to be worth a second try */
} Scores;

static const char *const sure[] = { "high", "medium", NULL };

static bool
same_kind(const char *a, const char *b)
{
	static const char *const twins[] = { "tool", "software-version", NULL };
	return g_strcmp0(a, b) == 0 ||
	       (a != NULL && b != NULL && g_strv_contains(twins, a) && g_strv_contains(twins, b));
}

static RescueJson *
judge(const RescueJson *record)
{
	g_autoptr(RescueEvidence) evidence = rescue_evidence_new();
	g_autoptr(RescueReader) reader = NULL;
	g_autoptr(RescueVerdict) verdict = NULL;
	RescueJson *lines = rescue_json_get(record, "lines");
	evidence->end = RESCUE_END_UNSEEN;
	evidence->transcript = rescue_transcript_new(RESCUE_DIALECT_UNKNOWN);
	reader = rescue_reader_new(evidence->transcript);
	for (size_t i = 0; i < rescue_json_length(lines); i++) {
		const char *line = rescue_json_text(rescue_json_at(lines, i));
		rescue_reader_feed(reader, line, strlen(line));
		rescue_reader_feed(reader, "\n", 1);
	}
	rescue_reader_finish(reader);
	verdict = rescue_classify(evidence);
	return rescue_verdict_to_json(verdict);
}

static Score *
score_of(Scores *scores, const char *tool)
{
	Score *score = g_hash_table_lookup(scores->tools, tool);
	if (score == NULL) {
		score = g_new0(Score, 1);
		g_hash_table_insert(scores->tools, g_strdup(tool), score);
	}
	return score;
}

static void
add(Score *score, bool known, bool phase, bool first, bool second)
{
	score->total++;
	score->known += known ? 1 : 0;
	score->phase += phase ? 1 : 0;
	score->first += first ? 1 : 0;
	score->second += first || second ? 1 : 0;
}

static void
compare(Scores *scores, const RescueJson *record)
{
	g_autoptr(RescueJson) found = judge(record);
	const char *tool = rescue_json_get_string(record, "tool");
	const char *category = rescue_json_get_string(record, "category");
	const char *got = rescue_json_get_string(found, "category");
	const RescueJson *other = rescue_json_at(rescue_json_get(found, "alternatives"), 0);
	const char *next = other != NULL ? rescue_json_get_string(other, "category") : NULL;
	bool known = g_strcmp0(category, "unknown") != 0;
	bool phase = g_strcmp0(rescue_json_get_string(record, "phase"),
			       rescue_json_get_string(found, "phase")) == 0;
	bool first = known && same_kind(category, got);
	bool second = known && same_kind(category, next);
	bool main = g_str_has_prefix(tool, MAIN_TOOL);
	bool counts = g_strv_contains(sure, rescue_json_get_string(record, "confidence"));
	add(score_of(scores, tool), known, phase, first, second);
	if (main && counts)
		add(&scores->main, known, phase, first, second);
	bool hopeless = g_strcmp0(rescue_json_get_string(record, "retry"), "yes") == 0 &&
			g_strcmp0(rescue_json_get_string(found, "retry"), "no") == 0;
	if (hopeless)
		scores->hopeless++;
	if (phase && first && !hopeless)
		return;
	printf("# %s%s %s: phase %s, is %s; category %s, then %s, is %s; %s%s\n", counts ? "" : "(",
	       rescue_json_get_string(record, "id"), tool, rescue_json_get_string(found, "phase"),
	       rescue_json_get_string(record, "phase"), got, next != NULL ? next : "-", category,
	       rescue_json_get_string(found, "failure"), hopeless ? "; not worth a try" : "");
}

static void
print_score(const char *name, const Score *score)
{
	printf("# %-36s %3u: phase %3u, category %3u of %3u, among two %3u\n", name, score->total,
	       score->phase, score->first, score->known, score->second);
}

static guint
percent(guint part, guint whole)
{
	return whole > 0 ? 100 * part / whole : 0;
}

static char *
read_corpus(void)
{
	const char *named = g_getenv("RESCUE_CORPUS");
	const char *shared = g_getenv("RESCUE_SHARED_DIR");
	char *text = NULL;
	g_autofree char *path = named != NULL ? g_strdup(named)
				: shared != NULL
				    ? g_build_filename(shared, "corpus", "dev.jsonl", NULL)
				    : NULL;
	if (path != NULL)
		(void)g_file_get_contents(path, &text, NULL, NULL);
	return text;
}

static void
test_real_failures_are_judged_right(void)
{
	g_autofree char *text = read_corpus();
	Scores scores = { .hopeless = 0 };
	if (text == NULL) {
		g_test_skip(
		    "no corpus: neither RESCUE_CORPUS nor corpus/dev.jsonl of RESCUE_SHARED_DIR");
		return;
	}
	g_auto(GStrv) lines = g_strsplit(g_strchomp(text), "\n", -1);
	g_autoptr(GHashTable)
	    tools = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	scores.tools = tools;
	for (size_t i = 0; lines[i] != NULL; i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(RescueJson)
		    record = rescue_json_parse(lines[i], strlen(lines[i]), &error);
		g_assert_no_error(error);
		compare(&scores, record);
	}
	GHashTableIter iter;
	gpointer name, score;
	g_hash_table_iter_init(&iter, tools);
	while (g_hash_table_iter_next(&iter, &name, &score))
		print_score(name, score);
	print_score("wanted ones", &scores.main);
	g_assert_cmpuint(scores.hopeless, ==, 0);
	g_assert_cmpuint(percent(scores.main.phase, scores.main.total), >=, WANTED_PHASE);
	g_assert_cmpuint(percent(scores.main.first, scores.main.known), >=, WANTED_FIRST);
	g_assert_cmpuint(percent(scores.main.second, scores.main.known), >=, WANTED_SECOND);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/corpus/real-failures", test_real_failures_are_judged_right);
	return g_test_run();
}
