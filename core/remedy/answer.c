/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "core/base/error.h"
#include "core/failure/code.h"
#include "core/remedy/explain.h"

#define QUOTED   64
#define MAX_WORD 40 /* longest name that is compared */

/* what was asked for; the first of these that fits */
typedef struct {
	char *name;              /* as it was written, cleaned */
	RescueFailure failure;   /* NONE: it names none */
	GArray *readings;        /* RescueReading, of a number */
	RescueCategory category; /* LAST: it names none */
	RescuePhase phase;       /* LAST: it names none */
} Question;

static RescueCategory
find_category(const char *name)
{
	int i = 0;
	while (i < RESCUE_CATEGORY_LAST &&
	       strcmp(name, rescue_category_name((RescueCategory)i)) != 0)
		i++;
	return (RescueCategory)i;
}

static RescuePhase
find_phase(const char *name)
{
	int i = 0;
	while (i < RESCUE_PHASE_LAST && strcmp(name, rescue_phase_name((RescuePhase)i)) != 0)
		i++;
	return (RescuePhase)i;
}

static void
question_clear(Question *question)
{
	g_clear_pointer(&question->name, g_free);
	g_clear_pointer(&question->readings, g_array_unref);
}

/* insertions, deletions and changes between two words, by one row of the usual matrix */
static size_t
distance(const char *a, const char *b)
{
	size_t row[MAX_WORD + 1];
	size_t width = strnlen(b, MAX_WORD);
	for (size_t i = 0; i <= width; i++)
		row[i] = i;
	for (size_t y = 1; y <= strnlen(a, MAX_WORD); y++) {
		size_t diagonal = row[0];
		row[0] = y;
		for (size_t x = 1; x <= width; x++) {
			size_t change = diagonal + (a[y - 1] != b[x - 1]);
			diagonal = row[x];
			row[x] = MIN(change, MIN(row[x], row[x - 1]) + 1);
		}
	}
	return row[width];
}

static void
keep_nearer(const char *name, const char *candidate, const char **nearest, size_t *least)
{
	size_t far = distance(name, candidate);
	if (far < *least) {
		*least = far;
		*nearest = candidate;
	}
}

/* the name that is meant, when a slip or two made this one of it; NULL: none is near */
static const char *
nearest_name(const char *name)
{
	const char *nearest = NULL;
	size_t least = MAX(strlen(name), 3) / 3 + 1;
	for (int i = RESCUE_FAILURE_NONE + 1; i < RESCUE_FAILURE_LAST; i++)
		keep_nearer(name, rescue_failure_info((RescueFailure)i)->name, &nearest, &least);
	for (int i = 0; i < RESCUE_CATEGORY_LAST; i++)
		keep_nearer(name, rescue_category_name((RescueCategory)i), &nearest, &least);
	for (int i = 0; i < RESCUE_PHASE_LAST; i++)
		keep_nearer(name, rescue_phase_name((RescuePhase)i), &nearest, &least);
	return nearest;
}

static void
refuse(const char *name, GError **error)
{
	bool number = name[strcspn(name, "0123456789")] != '\0';
	const char *nearest = number ? NULL : nearest_name(name);
	if (nearest != NULL)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "the catalogue knows no failure ‘%s’; did you mean ‘%s’?", name,
			    nearest);
	else
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "the catalogue knows no failure ‘%s’%s", name,
			    number ? ", and no rule for such a number" : "");
}

static bool
ask(const char *text, Question *question, GError **error)
{
	question->name = g_strstrip(g_utf8_make_valid(text, (gssize)strnlen(text, QUOTED)));
	question->failure = RESCUE_FAILURE_NONE;
	question->category = RESCUE_CATEGORY_LAST;
	question->phase = RESCUE_PHASE_LAST;
	question->readings = rescue_code_read(question->name);
	g_autofree char *lower = g_ascii_strdown(question->name, -1);
	if (rescue_failure_parse(lower, &question->failure) || question->readings->len > 0)
		return true;
	question->category = find_category(lower);
	question->phase = find_phase(lower);
	if (question->category < RESCUE_CATEGORY_LAST || question->phase < RESCUE_PHASE_LAST)
		return true;
	refuse(question->name, error);
	question_clear(question);
	return false;
}

static const RescueReading *
best_reading(const Question *question)
{
	return question->readings->len > 0 ? &g_array_index(question->readings, RescueReading, 0)
					   : NULL;
}

/* one line for each reading from `first` on */
static void
append_readings(GString *text, const GArray *readings, guint first)
{
	for (guint i = first; i < readings->len; i++) {
		const RescueReading *reading = &g_array_index(readings, RescueReading, i);
		const RescueFailureInfo *info = rescue_failure_info(reading->failure);
		const char *own = reading->code != NULL ? reading->code->means
							: reading->window->text;
		g_autofree char *name = rescue_code_format(reading->domain, reading->value);
		g_string_append_printf(text, "  %s (%s): %s\n    %s\n", name,
				       rescue_domain_text(reading->domain),
				       reading->failure == RESCUE_FAILURE_NONE ? "success"
									       : info->name,
				       own != NULL ? own : info->means);
	}
}

static char *
answer_number(const Question *question)
{
	const RescueReading *best = best_reading(question);
	g_autofree char *full = best->failure == RESCUE_FAILURE_NONE
				    ? g_strdup("no failure\n")
				    : rescue_explain_reading_text(best);
	GString *text = g_string_new(full);
	guint first = best->failure == RESCUE_FAILURE_NONE ? 0 : 1;
	if (question->readings->len > first) {
		g_string_append_printf(text, "\n%s\n",
				       first == 0 ? "seen as" : "the number is also");
		append_readings(text, question->readings, first);
	}
	return g_string_free(text, FALSE);
}

static bool
is_listed(const Question *question, const RescueFailureInfo *info)
{
	if (question->category == RESCUE_CATEGORY_LAST)
		return info->phase == question->phase;
	return info->category == question->category || info->documented[0] == question->category ||
	       info->documented[1] == question->category;
}

static char *
answer_list(const Question *question)
{
	bool category = question->category < RESCUE_CATEGORY_LAST;
	GString *text = g_string_new(NULL);
	g_string_append_printf(text, "%s: %s\n\n", question->name,
			       category ? rescue_category_text(question->category)
					: rescue_phase_text(question->phase));
	for (int i = RESCUE_FAILURE_NONE + 1; i < RESCUE_FAILURE_LAST; i++) {
		const RescueFailureInfo *info = rescue_failure_info((RescueFailure)i);
		if (is_listed(question, info))
			g_string_append_printf(text, "  %s: %s\n", info->name, info->means);
	}
	return g_string_free(text, FALSE);
}

char *
rescue_explain_answer(const char *asked, GError **error)
{
	Question question;
	char *text;
	if (!ask(asked, &question, error))
		return NULL;
	if (question.failure != RESCUE_FAILURE_NONE)
		text = rescue_explain_text(question.failure);
	else if (question.readings->len > 0)
		text = answer_number(&question);
	else
		text = answer_list(&question);
	question_clear(&question);
	return text;
}

static RescueJson *
categories_json(const RescueCategory *categories, size_t n)
{
	RescueJson *array = rescue_json_array_new();
	for (size_t i = 0; i < n; i++) {
		if (categories[i] != RESCUE_CATEGORY_LAST)
			rescue_json_append_string(array, rescue_category_name(categories[i]));
	}
	return array;
}

/* what only the table knows */
static void
set_code(RescueJson *object, const RescueCode *code)
{
	RescueJson *sources = rescue_json_array_new();
	const char *source;
	for (size_t i = 0; (source = rescue_code_source(code, i)) != NULL; i++)
		rescue_json_append_string(sources, source);
	if (code->symbol != NULL)
		rescue_json_set_string(object, "symbol", code->symbol);
	rescue_json_take(object, "apple", categories_json(code->apple, G_N_ELEMENTS(code->apple)));
	rescue_json_set_string(object, "confidence", rescue_confidence_name(code->confidence));
	rescue_json_take(object, "sources", sources);
	if (rescue_code_first_try(code) != NULL)
		rescue_json_set_string(object, "first", rescue_code_first_try(code));
}

static RescueJson *
reading_json(const RescueReading *reading)
{
	const RescueFailureInfo *info = rescue_failure_info(reading->failure);
	const char *own = reading->code != NULL ? reading->code->means : reading->window->text;
	RescueJson *object = rescue_json_object_new();
	rescue_json_set_string(object, "domain", reading->domain);
	rescue_json_set_int(object, "value", reading->value);
	if (reading->failure != RESCUE_FAILURE_NONE)
		rescue_json_set_string(object, "failure", info->name);
	rescue_json_set_string(object, "means", own != NULL ? own : info->means);
	rescue_json_set_bool(object, "rule", reading->code == NULL);
	if (reading->code != NULL)
		set_code(object, reading->code);
	else
		rescue_json_set_string(object, "confidence",
				       rescue_confidence_name(RESCUE_CONFIDENCE_LOW));
	return object;
}

static RescueJson *
number_json(const Question *question)
{
	RescueFailure failure = best_reading(question)->failure;
	RescueJson *readings = rescue_json_array_new();
	for (guint i = 0; i < question->readings->len; i++)
		rescue_json_append_take(readings, reading_json(&g_array_index(question->readings,
									      RescueReading, i)));
	RescueJson *object = failure != RESCUE_FAILURE_NONE ? rescue_explain_json(failure)
							    : rescue_json_object_new();
	rescue_json_set_int(object, "v", 1);
	rescue_json_take(object, "readings", readings);
	return object;
}

static RescueJson *
list_json(const Question *question)
{
	bool category = question->category < RESCUE_CATEGORY_LAST;
	RescueJson *object = rescue_json_object_new();
	RescueJson *failures = rescue_json_array_new();
	for (int i = RESCUE_FAILURE_NONE + 1; i < RESCUE_FAILURE_LAST; i++) {
		const RescueFailureInfo *info = rescue_failure_info((RescueFailure)i);
		if (is_listed(question, info))
			rescue_json_append_string(failures, info->name);
	}
	rescue_json_set_int(object, "v", 1);
	rescue_json_set_string(object, category ? "category" : "phase",
			       category ? rescue_category_name(question->category)
					: rescue_phase_name(question->phase));
	rescue_json_take(object, "failures", failures);
	return object;
}

RescueJson *
rescue_explain_answer_json(const char *asked, GError **error)
{
	Question question;
	RescueJson *object;
	if (!ask(asked, &question, error))
		return NULL;
	if (question.failure != RESCUE_FAILURE_NONE)
		object = rescue_explain_json(question.failure);
	else if (question.readings->len > 0)
		object = number_json(&question);
	else
		object = list_json(&question);
	rescue_json_set_string(object, "asked", question.name);
	question_clear(&question);
	return object;
}
