/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/history.h"

#include <string.h>

#include "core/base/error.h"
#include "core/process/lock.h"
#include "core/store/journal.h"

#define SCHEMA_VERSION 1

/* an unnamed holder has just come: it is nobody who wrote an end into this journal */
static bool
holds_device(const RescueJournalSummary *job)
{
	g_auto(RescueLockHolder) holder = { 0 };

	if (job->ecid == 0 || !rescue_lock_who(job->ecid, &holder))
		return false;
	return holder.job != NULL ? g_strcmp0(holder.job, job->job) == 0 : job->ended == NULL;
}

bool
rescue_history_is_running(const char *state_dir, const RescueJournalSummary *job)
{
	g_autofree char *path = rescue_journal_path(state_dir, job->job, NULL);

	return (path != NULL && rescue_journal_is_open(path)) || holds_device(job);
}

const char *
rescue_history_outcome(const char *state_dir, const RescueJournalSummary *job)
{
	if (job->outcome != NULL)
		return job->outcome;
	return rescue_history_is_running(state_dir, job) ? "running" : "unfinished";
}

static RescueJson *
step_to_json(const RescueJournalStep *step)
{
	static const char *const kinds[] = {
		[RESCUE_JOURNAL_ATTEMPT] = "attempt",
		[RESCUE_JOURNAL_FAILURE] = "failure",
		[RESCUE_JOURNAL_REMEDY] = "remedy",
	};
	RescueJson *json = rescue_json_object_new();

	rescue_json_set_string(json, "step", kinds[step->kind]);
	rescue_json_set_string(json, "ts", step->time);
	rescue_json_set_int(json, "attempt", step->attempt);
	rescue_json_set_string(json, step->kind == RESCUE_JOURNAL_ATTEMPT ? "engine" : "name",
			       step->name);
	rescue_json_set_string(json, "phase", step->phase);
	rescue_json_set_string(json, "category", step->category);
	rescue_json_set_string(json, "outcome", step->outcome);
	return json;
}

static void
set_end(RescueJson *json, const RescueJournalSummary *job)
{
	rescue_json_set_string(json, "ended", job->ended);
	if (job->ended != NULL)
		rescue_json_set_real(json, "seconds", job->seconds);
	rescue_json_set_string(json, "data", job->data);
	rescue_json_set_string(json, "failure", job->failure);
	rescue_json_set_string(json, "version", job->version);
	rescue_json_set_string(json, "build", job->build);
}

RescueJson *
rescue_history_to_json(const char *state_dir, const RescueJournalSummary *job)
{
	RescueJson *json = rescue_json_object_new(), *steps = rescue_json_array_new();
	char ecid[RESCUE_ECID_TEXT];

	rescue_json_set_int(json, "v", SCHEMA_VERSION);
	rescue_json_set_string(json, "job", job->job);
	rescue_json_set_string(json, "ecid",
			       job->ecid != 0 ? rescue_ecid_format(job->ecid, ecid) : NULL);
	rescue_json_set_string(json, "ts", job->started);
	rescue_json_set_string(json, "product", job->product);
	rescue_json_set_string(json, "behavior", job->behavior);
	rescue_json_set_string(json, "ipsw", job->ipsw);
	rescue_json_set_string(json, "outcome", rescue_history_outcome(state_dir, job));
	rescue_json_set_int(json, "attempts", job->attempts);
	rescue_json_set_bool(json, "torn", job->torn);
	set_end(json, job);
	for (guint i = 0; i < job->steps->len; i++)
		rescue_json_append_take(steps, step_to_json(job->steps->pdata[i]));
	rescue_json_take(json, "steps", steps);
	return json;
}

bool
rescue_history_is_older(const RescueJournalSummary *job, int64_t wall_us)
{
	g_autoptr(GDateTime)
	    last = job->last != NULL ? g_date_time_new_from_iso8601(job->last, NULL) : NULL;

	/* a journal that tells no time is of a job that died in its first moment */
	return last == NULL || g_date_time_to_unix(last) < wall_us / G_USEC_PER_SEC;
}

bool
rescue_history_check_job(const char *state_dir, const char *job, GError **error)
{
	g_autofree char *path = rescue_journal_path(state_dir, job, error);
	g_autofree char *dir = path != NULL ? g_path_get_dirname(path) : NULL;

	if (dir == NULL)
		return false;
	if (g_file_test(dir, G_FILE_TEST_IS_DIR))
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
		    "there is no journal of a job ‘%s’ below ‘%s’", job, state_dir);
	return false;
}
