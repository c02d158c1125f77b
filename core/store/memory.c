/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/store/memory.h"

#include <string.h>

#include "core/store/index.h"

struct RescueMemory {
	char *state_dir;
};

RescueMemory *
rescue_memory_new(const char *state_dir)
{
	RescueMemory *memory = g_new0(RescueMemory, 1);

	memory->state_dir = g_strdup(state_dir);
	return memory;
}

void
rescue_memory_free(RescueMemory *memory)
{
	if (memory == NULL)
		return;
	g_free(memory->state_dir);
	g_free(memory);
}

static void
recall_free(gpointer data)
{
	RescueRecall *recall = data;

	g_free(recall->remedy);
	g_free(recall);
}

/** While the steps of one job are gone through. */
typedef struct {
	const RescueRecallQuestion *question;
	const RescueJournalSummary *job;
	GPtrArray *recalls;
	const char *engine; /* of the attempt that failed; NULL: none yet */
	const char *port;
	bool in_question; /* the failure before the present step is the one that is asked about */
} Walk;

static bool
is_failure(const RescueJournalStep *step, const RescueRecallQuestion *question)
{
	return step->kind == RESCUE_JOURNAL_FAILURE &&
	       g_strcmp0(step->name, question->failure) == 0 &&
	       g_strcmp0(step->phase, question->phase) == 0;
}

static bool
same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static bool
is_in_scope(const Walk *walk, RescueScope scope)
{
	const RescueRecallQuestion *question = walk->question;
	bool engine = same(walk->engine, question->engine);
	bool model = engine && same(walk->job->product, question->product);

	switch (scope) {
	case RESCUE_SCOPE_PORT:
		return model && same(walk->port, question->port);
	case RESCUE_SCOPE_MODEL:
		return model;
	case RESCUE_SCOPE_ENGINE:
		return engine;
	default:
		return true;
	}
}

static RescueRecall *
find_recall(GPtrArray *recalls, const char *remedy)
{
	RescueRecall *recall;

	for (guint i = 0; i < recalls->len; i++) {
		recall = recalls->pdata[i];
		if (strcmp(recall->remedy, remedy) == 0)
			return recall;
	}
	recall = g_new0(RescueRecall, 1);
	recall->remedy = g_strdup(remedy);
	g_ptr_array_add(recalls, recall);
	return recall;
}

/** What came of it: 1 the failure stayed away, 0 it did not, -1 nobody knows. */
static int
judge(const Walk *walk, guint at)
{
	const GPtrArray *steps = walk->job->steps;
	const RescueJournalStep *remedy = steps->pdata[at];

	if (remedy->outcome == NULL)
		return -1;
	if (strcmp(remedy->outcome, "took-effect") != 0)
		return 0;
	for (guint i = at + 1; i < steps->len; i++) {
		const RescueJournalStep *step = steps->pdata[i];
		if (step->kind == RESCUE_JOURNAL_FAILURE)
			return !is_failure(step, walk->question);
	}
	return same(walk->job->outcome, "restored") ? 1 : -1;
}

static void
count(Walk *walk, guint at)
{
	const RescueJournalStep *step = walk->job->steps->pdata[at];
	int helped = judge(walk, at);
	RescueRecall *recall;

	if (helped < 0 || step->name == NULL)
		return;
	recall = find_recall(walk->recalls, step->name);
	for (int scope = 0; scope < RESCUE_SCOPE_LAST; scope++) {
		if (!is_in_scope(walk, (RescueScope)scope))
			continue;
		recall->tried[scope]++;
		recall->helped[scope] += (unsigned)helped;
	}
}

static void
walk_job(const RescueJournalSummary *job, const RescueRecallQuestion *question, GPtrArray *recalls)
{
	Walk walk = { .question = question, .job = job, .recalls = recalls };

	for (guint i = 0; i < job->steps->len; i++) {
		const RescueJournalStep *step = job->steps->pdata[i];
		if (step->kind == RESCUE_JOURNAL_ATTEMPT)
			walk.engine = step->name;
		else if (step->kind == RESCUE_JOURNAL_REMEDY && walk.in_question)
			count(&walk, i);
		if (step->kind != RESCUE_JOURNAL_FAILURE)
			continue;
		walk.in_question = is_failure(step, question);
		walk.port = step->port;
	}
}

static GPtrArray *
recall(void *self, const RescueRecallQuestion *question)
{
	const RescueMemory *memory = self;
	GPtrArray *recalls = g_ptr_array_new_with_free_func(recall_free);
	g_autoptr(RescueIndex) index = rescue_index_open(memory->state_dir);
	g_autoptr(GPtrArray) jobs = rescue_index_list(index, &(RescueIndexFilter){ .ecid = 0 });

	for (guint i = 0; i < jobs->len; i++) {
		const RescueJournalSummary *job = jobs->pdata[i];
		if (!same(job->job, question->job))
			walk_job(job, question, recalls);
	}
	return recalls;
}

const RescueMemoryPort rescue_memory_port = {
	.recall = recall,
};
