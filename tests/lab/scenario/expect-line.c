/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/scenario/parser.h"

#include <string.h>

/* what stands behind the words of a pattern */
typedef enum {
	ARG_NONE,
	ARG_NUMBER,
	ARG_WORD,
	ARG_MODE,
	ARG_REST,    /* the rest of the line as it stands */
	ARG_FAILURE, /* a phase, "category" and one */
} Argument;

/* "PHONE" stands for the name of a phone; further words of `tail` may follow the argument and mean nothing */
static const struct {
	const char *first, *second, *third;
	Argument argument;
	const char *tail;
	LabExpectKind kind;
} patterns[] = {
	{ "exit", NULL, NULL, ARG_NUMBER, "", LAB_EXPECT_EXIT },
	{ "fault", "fired", NULL, ARG_NUMBER, "time times", LAB_EXPECT_FIRED },
	{ "failure", "at", NULL, ARG_FAILURE, "", LAB_EXPECT_FAILURE },
	{ "stdout", "has", NULL, ARG_REST, "", LAB_EXPECT_STDOUT_HAS },
	{ "stderr", "has", NULL, ARG_REST, "", LAB_EXPECT_STDERR_HAS },
	{ "advice", "has", NULL, ARG_REST, "", LAB_EXPECT_ADVICE },
	{ "PHONE", "booted", NULL, ARG_WORD, "", LAB_EXPECT_BOOTED },
	{ "PHONE", "erased", NULL, ARG_NUMBER, "time times", LAB_EXPECT_ERASED },
	{ "PHONE", "port", NULL, ARG_WORD, "", LAB_EXPECT_PORT },
	{ "PHONE", "uploads", NULL, ARG_NUMBER, "", LAB_EXPECT_UPLOADS },
	{ "PHONE", "reset", NULL, ARG_NUMBER, "time times", LAB_EXPECT_RESET },
	{ "PHONE", "mode", NULL, ARG_MODE, "", LAB_EXPECT_MODE },
	{ "PHONE", "untouched", NULL, ARG_NONE, "", LAB_EXPECT_UNTOUCHED },
	{ "PHONE", "opened-by", "only", ARG_REST, "", LAB_EXPECT_OPENED_BY },
	{ "PHONE", "engines", NULL, ARG_NUMBER, "at a time", LAB_EXPECT_ENGINES },
};

static bool
word_fits(const char *pattern, const char *word, const LabScenario *scenario)
{
	if (strcmp(pattern, "PHONE") == 0)
		return lab_scenario_phone(scenario, word) != NULL;
	return strcmp(pattern, word) == 0;
}

/* index of the first word behind the pattern, 0 when it does not fit */
static unsigned
match(const LabLine *line, const LabScenario *scenario, size_t i)
{
	const char *const pattern[] = { patterns[i].first, patterns[i].second, patterns[i].third };
	unsigned at = 1;
	for (size_t k = 0; k < G_N_ELEMENTS(pattern) && pattern[k] != NULL; k++, at++) {
		if (at >= line->count || !word_fits(pattern[k], line->words[at], scenario))
			return 0;
	}
	return at;
}

/* the text of the line behind its first `count` words */
static const char *
rest_of_line(const char *text, unsigned count)
{
	const char *white = " \t";
	for (unsigned i = 0; i < count; i++) {
		text += strcspn(text, white);
		text += strspn(text, white);
	}
	return text;
}

static bool
tail_fits(const LabLine *line, unsigned from, const char *tail)
{
	g_auto(GStrv) allowed = g_strsplit(tail, " ", -1);
	for (unsigned i = from; i < line->count; i++) {
		if (!g_strv_contains((const char *const *)allowed, line->words[i]))
			return false;
	}
	return true;
}

static bool
read_failure(LabExpect *expect, const LabLine *line, unsigned at)
{
	enum { WORDS = 3 };
	if (line->count != at + WORDS || strcmp(line->words[at + 1], "category") != 0)
		return false;
	expect->text = g_strdup(line->words[at]);
	expect->category = g_strdup(line->words[at + 2]);
	return true;
}

static bool
read_argument(LabExpect *expect, const LabLine *line, unsigned at, Argument argument)
{
	const char *word = at < line->count ? line->words[at] : NULL;
	uint64_t number = 0;
	switch (argument) {
	case ARG_NONE:
		return word == NULL;
	case ARG_NUMBER:
		if (!lab_value_number(word, G_MAXINT, &number))
			return false;
		expect->number = (unsigned)number;
		return true;
	case ARG_WORD:
		expect->text = g_strdup(word);
		return word != NULL;
	case ARG_MODE:
		return lab_value_mode(word, &expect->mode);
	case ARG_REST:
		expect->text = g_strdup(rest_of_line(line->text, at));
		return expect->text[0] != '\0';
	case ARG_FAILURE:
		return read_failure(expect, line, at);
	}
	return false;
}

static bool
fill_in(LabExpect *expect, const LabLine *line, unsigned at, size_t i)
{
	if (strcmp(patterns[i].first, "PHONE") == 0)
		expect->phone = g_strdup(line->words[1]);
	expect->kind = patterns[i].kind;
	expect->source = g_strdup_printf("%s:%u: %s", line->file, line->number, line->text);
	if (!read_argument(expect, line, at, patterns[i].argument))
		return false;
	bool whole = patterns[i].argument == ARG_REST || patterns[i].argument == ARG_FAILURE;
	return whole || tail_fits(line, at + 1, patterns[i].tail);
}

void
lab_expect_free(LabExpect *expect)
{
	if (expect == NULL)
		return;
	g_free(expect->phone);
	g_free(expect->text);
	g_free(expect->category);
	g_free(expect->source);
	g_free(expect);
}

LabExpect *
lab_expect_line(const LabLine *line, const LabScenario *scenario, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(patterns); i++) {
		unsigned at = match(line, scenario, i);
		if (at == 0)
			continue;
		LabExpect *expect = g_new0(LabExpect, 1);
		if (fill_in(expect, line, at, i))
			return expect;
		lab_expect_free(expect);
		lab_line_fail(line, error, "‘%s’ does not make sense behind ‘expect’",
			      rest_of_line(line->text, 1));
		return NULL;
	}
	lab_line_fail(line, error,
		      "‘%s’ is nothing that can be expected, or names no phone above this line",
		      rest_of_line(line->text, 1));
	return NULL;
}
