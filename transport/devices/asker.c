/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/devices/asker.h"

#include <string.h>

#include "transport/devices/agent.h"

enum {
	MAX_JOBS = 4,
	QUESTION_MS = 6000,
	IDENTIFY_MS = 3000,
	LONG_UDID_CHARS = 40,
	US_PER_MS = 1000,
};

/** A model number, for the life of the process. */
typedef struct {
	uint32_t chip_id, board_id;
	char *product, *board; /* NULL when the agent's table does not have it */
	bool asked, answered;
} Model;

/** One agent that runs: a question about a device, or about a model. */
typedef struct {
	RescueAsker *asker;
	RescueAgentTask *task;
	Model *model; /* NULL: a device */
	RescueQuestion question;
	char *udid; /* behind question.udid */
} Job;

struct RescueAsker {
	char *agent;
	RescueMerge *merge;
	RescueLearned *learned;
	GPtrArray *jobs;   /* Job */
	GPtrArray *models; /* Model */
	guint source;
	bool woken; /* the source is to look at news, not only at a question that is due later */
	unsigned pauses;
};

static void
model_free(Model *model)
{
	g_free(model->product);
	g_free(model->board);
	g_free(model);
}

static void
job_free(Job *job)
{
	rescue_agent_task_free(job->task);
	g_free(job->udid);
	g_free(job);
}

static void
finish_question(RescueAsker *asker, const Job *job, const RescueDevice *facts)
{
	if (facts != NULL && facts->ecid != 0 && strlen(job->udid) == LONG_UDID_CHARS &&
	    !rescue_learned_set(asker->learned, job->udid, facts->ecid, NULL))
		g_debug(
		    "a learned UDID could not be written down"); /* it will be asked for again */
	rescue_merge_answer(asker->merge, &job->question, facts, g_get_monotonic_time());
}

static void
on_done(const RescueDevice *facts, const GError *error, void *data)
{
	Job *job = data;
	RescueAsker *asker = job->asker;
	if (error != NULL)
		g_debug("a device was asked in vain: %s", error->message);
	if (job->model == NULL) {
		finish_question(asker, job, facts);
	} else {
		job->model->answered = true;
		job->model->product = g_strdup(facts != NULL ? facts->product : NULL);
		job->model->board = g_strdup(facts != NULL ? facts->board : NULL);
	}
	g_ptr_array_remove(asker->jobs, job);
	rescue_asker_wake(asker);
}

/** Takes `job` over. */
static void
start_job(RescueAsker *asker, Job *job, const RescueAgentCall *call)
{
	job->asker = asker;
	job->task = rescue_agent_start(call, on_done, job, NULL);
	g_ptr_array_add(asker->jobs, job);
	if (job->task == NULL)
		on_done(NULL, NULL, job); /* no agent here: the same as no answer */
}

static void
ask_device(RescueAsker *asker, const RescueQuestion *question)
{
	Job *job = g_new0(Job, 1);
	job->question = *question;
	job->udid = g_strdup(question->udid);
	job->question.udid = job->udid;
	start_job(asker, job,
		  &(RescueAgentCall){ .program = asker->agent,
				      .command = "query",
				      .udid = job->udid,
				      .deadline_ms = QUESTION_MS });
}

static void
ask_model(RescueAsker *asker, Model *model)
{
	const RescueDevice numbers = { .chip_id = model->chip_id,
				       .board_id = model->board_id,
				       .have_chip = true };
	Job *job = g_new0(Job, 1);
	job->model = model;
	model->asked = true;
	start_job(asker, job,
		  &(RescueAgentCall){ .program = asker->agent,
				      .command = "identify",
				      .model = &numbers,
				      .deadline_ms = IDENTIFY_MS });
}

static void
pump_models(RescueAsker *asker)
{
	for (guint i = 0; i < asker->models->len; i++) {
		Model *model = g_ptr_array_index(asker->models, i);
		if (model->answered && model->product != NULL)
			rescue_merge_identified(asker->merge, model->chip_id, model->board_id,
						model->product, model->board);
		else if (!model->asked && asker->jobs->len < MAX_JOBS)
			ask_model(asker, model);
	}
}

static void wake_in(RescueAsker *asker, int64_t delay_us);

static gboolean
on_wake(gpointer data)
{
	RescueAsker *asker = data;
	RescueQuestion question;
	int64_t due_us;
	asker->source = 0;
	asker->woken = false;
	pump_models(asker);
	while (asker->pauses == 0 && asker->jobs->len < MAX_JOBS &&
	       rescue_merge_take_question(asker->merge, g_get_monotonic_time(), &question))
		ask_device(asker, &question);
	due_us = rescue_merge_next_question_us(asker->merge);
	/* with all places taken, or paused, the end of what runs wakes us */
	if (asker->source == 0 && due_us >= 0 && asker->pauses == 0 && asker->jobs->len < MAX_JOBS)
		wake_in(asker, due_us - g_get_monotonic_time());
	return G_SOURCE_REMOVE;
}

static void
wake_in(RescueAsker *asker, int64_t delay_us)
{
	g_clear_handle_id(&asker->source, g_source_remove);
	asker->source = g_timeout_add((guint)(MAX(delay_us, 0) / US_PER_MS), on_wake, asker);
}

RescueAsker *
rescue_asker_new(const char *agent, RescueMerge *merge, RescueLearned *learned)
{
	RescueAsker *asker = g_new0(RescueAsker, 1);
	asker->agent = g_strdup(agent);
	asker->merge = merge;
	asker->learned = learned;
	asker->jobs = g_ptr_array_new_with_free_func((GDestroyNotify)job_free);
	asker->models = g_ptr_array_new_with_free_func((GDestroyNotify)model_free);
	return asker;
}

void
rescue_asker_free(RescueAsker *asker)
{
	if (asker == NULL)
		return;
	g_clear_handle_id(&asker->source, g_source_remove);
	g_ptr_array_unref(asker->jobs);
	g_ptr_array_unref(asker->models);
	g_free(asker->agent);
	g_free(asker);
}

void
rescue_asker_wake(RescueAsker *asker)
{
	if (asker->agent[0] == '\0')
		return;
	asker->woken = true;
	wake_in(asker, 0);
}

void
rescue_asker_want_model(RescueAsker *asker, const RescueDevice *device)
{
	Model *model;
	if (!device->have_chip || device->product != NULL)
		return;
	for (guint i = 0; i < asker->models->len; i++) {
		model = g_ptr_array_index(asker->models, i);
		if (model->chip_id == device->chip_id && model->board_id == device->board_id)
			return;
	}
	model = g_new0(Model, 1);
	model->chip_id = device->chip_id;
	model->board_id = device->board_id;
	g_ptr_array_add(asker->models, model);
}

void
rescue_asker_drop(RescueAsker *asker, RescueEcid ecid)
{
	for (guint i = asker->jobs->len; i > 0; i--) {
		const Job *job = g_ptr_array_index(asker->jobs, i - 1);
		if (job->model == NULL && job->question.ecid == ecid)
			g_ptr_array_remove_index(asker->jobs, i - 1);
	}
}

void
rescue_asker_pause(RescueAsker *asker, bool on)
{
	if (on)
		asker->pauses++;
	else if (--asker->pauses == 0)
		rescue_asker_wake(asker);
}

bool
rescue_asker_is_settled(const RescueAsker *asker, RescueEcid ecid)
{
	if (asker->agent[0] == '\0')
		return true;
	if (asker->woken)
		return false;
	for (guint i = 0; i < asker->models->len; i++) {
		const Model *model = g_ptr_array_index(asker->models, i);
		if (!model->answered)
			return false;
	}
	return !rescue_merge_is_unsettled(asker->merge, ecid);
}
